using UrlShortener.Chaos.Tests.Histories;
using UrlShortener.Chaos.Tests.Product;
using UrlShortener.Chaos.Tests.Traffic;
using UrlShortener.TestServers.Network;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Redis;
using Xunit;

namespace UrlShortener.Chaos.Tests.Cases;

/// <summary>Servers that take connections and answer nothing: the hardest to tell from slow ones.</summary>
public sealed class FrozenServersTests : ChaosTest
{
    private const int Ranges = 16;
    private const int FailuresToOpen = 4;
    private const int Concurrent = 20;

    // What the product waits for Redis once, with room; what the machine adds is measured.
    private static readonly TimeSpan SlowRedis = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RedisTimeout = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(1);

    // What a machine whose processors are all busy adds. A product without limits would wait for as long as a server stays frozen.
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(2);

    [Fact]
    [Trait("Case", "C-05")]
    public async Task RedisFrozen_OneMasterThenAll_RedirectsWaitForItOnceAtMost()
    {
        var installation = await InstallAsync(new PostgresClusterOptions(), new RedisClusterOptions(), PatientWithDatabase);
        var redis = installation.Redis!;
        var pod = await installation.StartPodAsync("app1");
        var other = await installation.StartPodAsync("app2");
        var cached = await installation.CreateLinksAsync(20, [pod], Token);
        var changing = await installation.CreateLinksAsync(2, [pod, other], Token);
        // Made elsewhere, so that this pod must ask for each.
        var uncached = await installation.CreateLinksAsync(240, [other], Token);
        var history = installation.History;
        await using (var load = StartLoad(installation, [pod], new LoadOptions { Followed = cached, Changing = changing }))
        {
            var frozen = history.Now;
            var master = redis.Nodes[0];
            await master.FreezeAsync(Token);
            await installation.FollowAllAsync(pod, uncached.Take(120), Token);
            AssertWaitedOnce("redirects of links not cached, one master frozen", history, frozen, uncached, cached);
            master.Resume();
            await redis.WaitUntilHealthyAsync(Token);
            await WaitForHealthAsync(pod, "cache", "healthy");

            var allFrozen = history.Now;
            await Task.WhenAll(redis.Nodes.Select(node => node.FreezeAsync(Token)));
            await installation.FollowAllAsync(pod, uncached.Skip(120), Token);
            AssertWaitedOnce("redirects of links not cached, all of Redis frozen", history, allFrozen, uncached, cached);
            await WaitForHealthAsync(pod, "cache", "degraded");
            foreach (var node in redis.Nodes)
                node.Resume();
            await redis.WaitUntilHealthyAsync(Token);
            await WaitForHealthAsync(pod, "cache", "healthy");
            await WaitForHealthAsync(other, "cache", "healthy");
            await load.StopAsync();
            AssertAllAnswered("redirects of cached links", Follows(history, frozen, cached));
            AssertAllAnswered("creations", history.Find(OperationKind.Create, TimeSpan.Zero, TimeSpan.MaxValue));
            AssertAllAnswered("changes", history.Find(OperationKind.Change, TimeSpan.Zero, TimeSpan.MaxValue));
        }

        await installation.VerifyAsync(other, StaleBound, [], Token);
    }

    [Fact]
    [Trait("Case", "C-05")]
    public async Task ReplicasFrozen_OneThenBoth_LinksAreFoundOnThePrimary()
    {
        var installation = await InstallAsync(new PostgresClusterOptions { Replicas = 2 }, null, $"--Postgres:WriteTimeout={WriteTimeout}");
        var postgres = installation.Postgres;
        var pod = await installation.StartPodAsync("app1");
        var other = await installation.StartPodAsync("app2");
        var cached = await installation.CreateLinksAsync(20, [pod], Token);
        var uncached = await installation.CreateLinksAsync(200, [other], Token);
        await postgres.WaitUntilReplicasCaughtUpAsync(Token);
        var history = installation.History;
        await using (var load = StartLoad(installation, [pod], new LoadOptions { Followed = cached }))
        {
            var replicas = await postgres.GetReplicasAsync(Token);
            var frozen = history.Now;
            await replicas[0].FreezeAsync(Token);
            await FollowManyAsync(installation, pod, uncached.Take(100));
            AssertFewWaited("redirects of links not cached, one replica frozen", Follows(history, frozen, uncached), history.MachineDelay(frozen, cached));
            await replicas[1].FreezeAsync(Token);
            var bothFrozen = history.Now;
            await FollowManyAsync(installation, pod, uncached.Skip(100));
            AssertFewWaited(
                "redirects of links not cached, both replicas frozen",
                Follows(history, bothFrozen, uncached),
                history.MachineDelay(bothFrozen, cached)
            );
            foreach (var replica in replicas)
                replica.Resume();
            await WaitForHealthAsync(pod, "database", "healthy");
            await load.StopAsync();
            AssertAllAnswered("redirects of links not cached", Follows(history, frozen, uncached));
            AssertQuick("redirects of cached links", Follows(history, frozen, cached), TimeSpan.Zero);
            AssertAllAnswered("creations", history.Find(OperationKind.Create, TimeSpan.Zero, TimeSpan.MaxValue));
        }

        await postgres.WaitUntilReplicasCaughtUpAsync(Token);
        await installation.VerifyAsync(pod, StaleBound, [], Token);
    }

    [Fact]
    [Trait("Case", "C-05")]
    public async Task PrimaryFrozen_ForAWhile_CreationsAreRefusedInTimeAndReplicasGoOn()
    {
        var installation = await InstallAsync(
            new PostgresClusterOptions { Replicas = 2 },
            PatientRedis,
            // The replicas are well, and must not look ill on a busy machine.
            [.. PatientWithDatabase, $"--Postgres:WriteTimeout={WriteTimeout}"]
        );
        var postgres = installation.Postgres;
        var pod = await installation.StartPodAsync("app1");
        var other = await installation.StartPodAsync("app2");
        var cached = await installation.CreateLinksAsync(20, [pod, other], Token);
        var changing = await installation.CreateLinksAsync(2, [pod, other], Token);
        var uncached = await installation.CreateLinksAsync(100, [other], Token);
        await postgres.WaitUntilReplicasCaughtUpAsync(Token);
        var history = installation.History;
        await using (
            var load = StartLoad(
                installation,
                [pod, other],
                new LoadOptions
                {
                    Creators = 8,
                    Followed = cached,
                    Changing = changing,
                }
            )
        )
        {
            var primary = await postgres.GetPrimaryAsync(Token);
            var frozen = history.Now;
            await primary.FreezeAsync(Token);
            await FollowManyAsync(installation, pod, uncached);
            AssertQuick("redirects of links not cached, primary frozen", Follows(history, frozen, uncached), history.MachineDelay(frozen, cached));
            await UntilAsync(
                () => history.Find(OperationKind.Create, frozen, TimeSpan.MaxValue).Count(create => create.Status == 503) > 100,
                "creations are refused"
            );
            await WaitForHealthAsync(pod, "database", "degraded");
            var resumed = history.Now;
            primary.Resume();
            await WaitForHealthAsync(pod, "database", "healthy");
            await WaitForHealthAsync(other, "database", "healthy");
            await WaitForCreationsAsync(history, resumed, [pod, other]);
            await load.StopAsync();
            var creations = history.Find(OperationKind.Create, frozen, resumed);
            var slowest = creations.MaxBy(create => create.Duration)!;
            Write($"{creations.Count} creations with the primary frozen; slowest: {slowest}");
            Assert.All(creations, create => Assert.True(create.Status is 201 or 503, create.ToString()));
            AssertFew("creations", creations, WriteTimeout + Slack + (3 * history.MachineDelay(frozen, cached)), 20);
            AssertQuick("redirects of cached links", Follows(history, frozen, cached), TimeSpan.Zero);
            await installation.VerifyAsync(other, StaleBound, [(frozen, resumed + StaleBound)], Token);
        }
    }

    [Fact]
    [Trait("Case", "C-05")]
    public async Task Partition_PodsCutOffFromServers_NothingIsLostAndNothingOldIsSeenAfterIt()
    {
        var installation = await InstallAsync(
            new PostgresClusterOptions { Replicas = 2, Gated = true },
            PatientRedis with
            {
                Gated = true,
            },
            $"--Postgres:WriteTimeout={WriteTimeout}"
        );
        var (postgres, redis) = (installation.Postgres, installation.Redis!);
        Pod[] pods = [await installation.StartPodAsync("app1"), await installation.StartPodAsync("app2")];
        var cached = await installation.CreateLinksAsync(20, pods, Token);
        var changing = await installation.CreateLinksAsync(4, pods, Token);
        await postgres.WaitUntilReplicasCaughtUpAsync(Token);
        var history = installation.History;
        var outages = new List<(TimeSpan From, TimeSpan To)>();
        IReadOnlyList<TcpGate>[] cuts =
        [
            [redis.Nodes[1].Gate!],
            [postgres.Nodes[1].Gate!],
            [postgres.Nodes[0].Gate!],
            [.. redis.Nodes.Select(node => node.Gate!), .. postgres.Nodes.Select(node => node.Gate!)],
        ];
        await using (var load = StartLoad(installation, pods, new LoadOptions { Followed = [.. cached, .. changing], Changing = changing }))
        {
            foreach (var cut in cuts)
            {
                var from = history.Now;
                foreach (var gate in cut)
                    gate.Mode = TcpGateMode.BlackHole;
                // Long enough for all limits of the product to have run out.
                await UntilAsync(() => history.Now > from + WriteTimeout + Slack, "the time has passed");
                foreach (var gate in cut)
                    gate.Mode = TcpGateMode.Open;
                var healed = history.Now;
                foreach (var pod in pods)
                    await WaitForHealthAsync(pod, "status", "healthy");
                await WaitForCreationsAsync(history, healed, pods);
                outages.Add((from, history.Now));
                Write($"cut off from {cut.Count} servers for {(healed - from).TotalSeconds:0.0} s, healthy {(history.Now - healed).TotalSeconds:0.00} s later");
            }

            await load.StopAsync();
        }

        AssertAllAnswered("redirects of cached links", Follows(history, TimeSpan.Zero, cached));
        await installation.VerifyAsync(pods[0], StaleBound, outages, Token);
    }

    private static async Task FollowManyAsync(Installation installation, Pod pod, IEnumerable<string> codes)
    {
        foreach (var portion in codes.Chunk(Concurrent))
            await Task.WhenAll(portion.Select(code => installation.ClientOf(pod).FollowAsync(code, Token)));
    }

    private static IReadOnlyList<Operation> Follows(History history, TimeSpan from, IEnumerable<string> codes)
    {
        var wanted = codes.ToHashSet();
        return [.. history.Find(OperationKind.Follow, from, TimeSpan.MaxValue).Where(follow => wanted.Contains(follow.Code))];
    }

    // Each range of slots has a breaker, which opens after a few calls and then lets one call per second try.
    private static void AssertWaitedOnce(string what, History history, TimeSpan from, IEnumerable<string> codes, IEnumerable<string> cached)
    {
        var follows = Follows(history, from, codes);
        AssertAllAnswered(what, follows);
        WriteSlowest(what, follows);
        // Cached links are followed meanwhile.
        AssertFew(what, follows, SlowRedis + (3 * history.MachineDelay(from, cached)), 20);
        var slow = follows.Count(follow => follow.Duration >= RedisTimeout);
        var seconds = (follows[^1].End - follows[0].Start).TotalSeconds;
        Assert.True(slow <= Ranges * (FailuresToOpen + seconds), $"{slow} of {follows.Count} {what} waited for Redis.");
    }

    private static void AssertQuick(string what, IReadOnlyList<Operation> operations, TimeSpan machine)
    {
        AssertAllAnswered(what, operations);
        WriteSlowest(what, operations);
        AssertFew(what, operations, Slack + (3 * machine), 50);
    }

    // None but for an instant in which a machine that runs other things, too, had no time for the product.
    private static void AssertFew(string what, IReadOnlyList<Operation> operations, TimeSpan limit, int oneIn)
    {
        var slow = operations.Where(operation => operation.Duration > limit).ToList();
        Assert.True(
            slow.Count <= 2 + (operations.Count / oneIn),
            $"{slow.Count} of {operations.Count} {what} took longer than {limit.TotalMilliseconds:0} ms:\n{string.Join('\n', slow.Take(20))}"
        );
    }

    // Those that were on their way to the server when it froze, and those that came before this was noticed.
    private static void AssertFewWaited(string what, IReadOnlyList<Operation> operations, TimeSpan machine)
    {
        AssertAllAnswered(what, operations);
        WriteSlowest(what, operations);
        AssertFew(what, operations, ReadTimeout + (3 * machine), 2);
        AssertFew(what, operations, (2 * ReadTimeout) + Slack + (3 * machine), 20);
    }

    private static void WriteSlowest(string what, IReadOnlyList<Operation> operations)
    {
        var slowest = operations.OrderByDescending(operation => operation.Duration).Take(12).Select(operation => $"{operation.Duration.TotalMilliseconds:0}");
        Write($"{operations.Count} {what}: {string.Join(' ', slowest)} ms");
    }

    private static Task<Reply> WaitForHealthAsync(Pod pod, string part, string state) =>
        Eventually.ReadAsync(
            () => pod.Anonymous.GetAsync("/health"),
            reply => (part == "status" ? reply.Json : reply.Json.GetProperty("components")).GetProperty(part).GetString() == state,
            $"{part} of {pod.Name} is {state}"
        );

    private static async Task WaitForCreationsAsync(History history, TimeSpan from, IEnumerable<Pod> pods)
    {
        foreach (var pod in pods)
        {
            await UntilAsync(
                () => history.Find(OperationKind.Create, from, TimeSpan.MaxValue).Any(create => create.IsAcknowledged && create.Pod == pod.Name),
                $"{pod.Name} creates links again"
            );
        }
    }
}
