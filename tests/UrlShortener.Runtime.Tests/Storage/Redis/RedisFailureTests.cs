using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.Redis;
using UrlShortener.TestServers.Redis;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Redis;

/// <summary>Servers that die, hang and move, with the time limit that requests have.</summary>
[Collection(RedisTestGroup.Name)]
public sealed class RedisFailureTests(RedisServers servers)
{
    // A call may take its limit; the rest is what a busy machine adds to it. Without a limit it would take the client's own, which is 5 s.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(4);

    // For tests in which calls of servers that are well must not fail: long enough for a busy machine.
    private static readonly TimeSpan PatientLimit = TimeSpan.FromSeconds(3);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(RedisKind.Standalone)]
    [InlineData(RedisKind.Cluster)]
    public async Task Start_ServersAreAway_CallsFailAtOnceAndWorkWhenTheyCome(RedisKind kind)
    {
        await using var cluster = kind == RedisKind.Cluster ? await StartClusterAsync() : null;
        await using var standalone = kind == RedisKind.Standalone ? await StartStandaloneAsync() : null;
        RedisNode[] nodes = [.. cluster?.Nodes ?? [standalone!.Node]];
        await Task.WhenAll(nodes.Select(node => node.KillAsync(Token)));
        var logger = new RecordingLogger();
        await using var client = await RedisClient.StartAsync(cluster?.Configuration ?? standalone!.Configuration, RedisClient.NewOptions(), logger);

        for (var i = 0; i < 20; i++)
        {
            await AssertWithinAsync(async () => Assert.Equal(new SharedLookup { IsOutOfReach = true }, await client.Links.FindAsync("abcd", Token)));
            await AssertWithinAsync(async () => Assert.Null(await client.Buckets.TakeAsync("user:1", 10, Token)));
        }

        Assert.False(client.Links.IsAvailable);
        await Assert.ThrowsAsync<DependencyException>(() => client.Keys.TakeAsync(10, Token));
        Assert.Equal(1, client.Buckets.Processes);

        await Task.WhenAll(nodes.Select(node => node.StartAsync(Token)));

        await WorksAsync(client, ["abcd", "efgh", "ijkl", "mnop", "qrst", "uvwx"]);
        // One line for each server that was lost, however often it was tried.
        Assert.All(logger.Lines.GroupBy(line => line), group => Assert.True(group.Count() <= 2, group.Key));
    }

    [Fact]
    public async Task Standalone_Dies_CallsFailAtOnceAndWorkWhenItIsBack()
    {
        await using var server = await StartStandaloneAsync();
        await using var client = await RedisClient.StartAsync(server.Configuration, RedisClient.NewOptions());
        await WorksAsync(client, ["abcd"]);

        await server.Node.KillAsync(Token);
        for (var i = 0; i < 50; i++)
        {
            await AssertWithinAsync(async () => Assert.Equal(new SharedLookup { IsOutOfReach = true }, await client.Links.FindAsync("abcd", Token)));
            await AssertWithinAsync(async () => Assert.False(await client.Links.InvalidateAsync(new LinkVersion("abcd", new(0, 2)), Token)));
        }

        await server.Node.StartAsync(Token);
        await WorksAsync(client, ["abcd"]);
        await Eventually.HoldsAsync(() => client.Links.IsAvailable);
    }

    [Fact]
    public async Task Standalone_Freezes_CallsTakeTheirLimitAndSoonNothing()
    {
        await using var server = await StartStandaloneAsync();
        await using var client = await RedisClient.StartAsync(server.Configuration, RedisClient.NewOptions(TimeSpan.FromMilliseconds(50)));
        await WorksAsync(client, ["abcd"]);
        var unobserved = new ConcurrentQueue<Exception>();
        // The event is the whole process': other tests run at the same time.
        EventHandler<UnobservedTaskExceptionEventArgs> note = (_, args) =>
        {
            if (args.Exception.Flatten().InnerExceptions.Any(error => error is RedisException or RedisCommandException or TimeoutException))
                unobserved.Enqueue(args.Exception);
        };
        TaskScheduler.UnobservedTaskException += note;

        await server.Node.FreezeAsync(Token);
        await AssertWithinAsync(async () => Assert.Equal(new SharedLookup { IsOutOfReach = true }, await client.Links.FindAsync("abcd", Token)));
        await Eventually.HoldsAsync(() => client.Connection.Requests.IsOpen, () => _ = client.Links.FindAsync("abcd", Token).AsTask());
        Assert.False(client.Links.IsAvailable);
        await AssertWithinAsync(async () => Assert.Equal(new SharedLookup { IsOutOfReach = true }, await client.Links.FindAsync("abcd", Token)));
        // Long enough that what was left behind fails.
        await Eventually.HoldsAsync(() => client.Connection.IsConnected is false, () => _ = client.Links.FindAsync("abcd", Token).AsTask());

        server.Node.Resume();
        await WorksAsync(client, ["abcd"]);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        TaskScheduler.UnobservedTaskException -= note;
        Assert.Empty(unobserved);
    }

    [Fact]
    public async Task Cluster_MasterDies_ItsSlotsAreBackAfterTheFailoverAndOthersNeverGone()
    {
        var cluster = servers.Cluster;
        await using var client = await RedisClient.ConnectAsync(servers, RedisKind.Cluster, RedisClient.NewOptions(PatientLimit));
        var (dying, others) = await SplitCodesAsync(client, cluster);
        await WorksAsync(client, [.. dying, .. others]);
        var master = await MasterOfAsync(client, cluster, dying[0]);

        await master.KillAsync(Token);
        var begin = Stopwatch.GetTimestamp();
        foreach (var code in dying)
            await AssertWithinAsync(async () => await client.Links.FindAsync(code, Token));
        foreach (var code in others)
            Assert.True(await client.Links.InvalidateAsync(new LinkVersion(code, new(0, 2)), Token));

        // How long it takes is measured where nothing else runs: the chaos tests' failover of Redis.
        await WorksAsync(client, dying, others);
        TestContext.Current.TestOutputHelper?.WriteLine($"Served again after {Stopwatch.GetElapsedTime(begin).TotalMilliseconds:0} ms.");
        await master.StartAsync(Token);
        await cluster.WaitUntilHealthyAsync(Token);
    }

    [Fact]
    public async Task Cluster_MasterFreezes_OnlyItsSlotsAreLeftAlone()
    {
        var cluster = servers.Cluster;
        await using var client = await RedisClient.ConnectAsync(servers, RedisKind.Cluster, RedisClient.NewOptions(PatientLimit));
        var (frozen, others) = await SplitCodesAsync(client, cluster);
        await WorksAsync(client, [.. frozen, .. others]);
        var master = await MasterOfAsync(client, cluster, frozen[0]);

        await master.FreezeAsync(Token);
        var begin = Stopwatch.GetTimestamp();
        await Eventually.HoldsAsync(() => client.Connection.Requests.IsOpen, () => _ = client.Links.FindAsync(frozen[0], Token).AsTask());
        foreach (var code in frozen)
            await AssertWithinAsync(async () => await client.Links.FindAsync(code, Token));
        foreach (var code in others)
            Assert.True(await client.Links.InvalidateAsync(new LinkVersion(code, new(0, 2)), Token));

        // Its replica takes over while it hangs, which the client must find out without an answer from it.
        await WorksAsync(client, frozen, others);
        TestContext.Current.TestOutputHelper?.WriteLine($"Served again after {Stopwatch.GetElapsedTime(begin).TotalMilliseconds:0} ms.");
        master.Resume();
        await cluster.WaitUntilHealthyAsync(Token);
    }

    [Fact]
    public async Task Cluster_SlotMoves_CallsGoOn()
    {
        var cluster = servers.Cluster;
        await using var client = await RedisClient.ConnectAsync(servers, RedisKind.Cluster);
        var slot = await cluster.GetSlotAsync(KeyOf(client, "abcd"), Token);
        var source = await cluster.GetMasterOfSlotAsync(slot, Token);
        var target = await OtherMasterAsync(cluster, source);
        // The target has never seen the scripts.
        await cluster.FlushScriptsAsync(Token);
        await client.Links.StoreAsync("abcd", NewTarget(1), Token);

        var version = 1;
        var migration = await cluster.BeginMoveSlotAsync(slot, target, Token);
        // Still at the source.
        await StoreAndFindAsync();
        await migration.MoveKeysAsync(100, Token);
        // Gone from the source, which sends the calls on (ASK).
        await StoreAndFindAsync();
        await StoreAndFindAsync();
        await migration.FinishAsync(Token);
        // Owned by the target (MOVED).
        await StoreAndFindAsync();

        await cluster.MoveSlotAsync(slot, source, Token);
        await StoreAndFindAsync();

        async Task StoreAndFindAsync()
        {
            Assert.True(await client.Links.InvalidateAsync(new LinkVersion("abcd", new(0, ++version)), Token));
            Assert.Equal(new SharedLookup(null, new(0, version)), await client.Links.FindAsync("abcd", Token));
            await client.Links.StoreAsync("abcd", NewTarget(version), Token);
            Assert.Equal(version, (await client.Links.FindAsync("abcd", Token)).Target?.Version.Number);
        }
    }

    [Fact]
    public async Task Listen_ServerOfTheSubscriptionDies_IsToldAgain()
    {
        var cluster = servers.Cluster;
        var options = RedisClient.NewOptions();
        await using var here = await RedisClient.ConnectAsync(servers, RedisKind.Cluster, options);
        await using var there = await RedisClient.ConnectAsync(servers, RedisKind.Cluster, options);
        var heard = 0;
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var listening = here.Links.ListenAsync(_ => Interlocked.Increment(ref heard), stopping.Token);
        Action tell = () => _ = there.Links.InvalidateAsync(new LinkVersion("abcd", new(0, 1)), Token).AsTask();
        await Eventually.HoldsAsync(() => Volatile.Read(ref heard) > 0, tell);
        var endPoint = here.Connection.Multiplexer!.GetSubscriber().SubscribedEndpoint(RedisChannel.Literal($"{options.KeyPrefix}:changes"))!.ToString();
        var node = cluster.Nodes.Single(node => node.EndPoint == endPoint);

        await node.KillAsync(Token);
        // All slots have a master again. One that comes back amid an election may leave the cluster undecided for minutes.
        await WorksAsync(there, [.. Enumerable.Range(0, 100).Select(i => $"code{i}")]);
        Volatile.Write(ref heard, 0);
        await Eventually.HoldsAsync(() => Volatile.Read(ref heard) > 0, tell);

        Assert.False(listening.IsCompleted);
        await node.StartAsync(Token);
        await cluster.WaitUntilHealthyAsync(Token);
        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => listening);
    }

    [Fact]
    public async Task KeyPool_MasterFreezes_TakesFromTheOthers()
    {
        var cluster = servers.Cluster;
        await using var client = await RedisClient.ConnectAsync(servers, RedisKind.Cluster);
        await client.Keys.SetEpochAsync(1, Token);
        await client.Keys.AddAsync(1, CodeGenerator.Generate(6_400), Token);
        var epochMaster = await cluster.GetMasterOfKeyAsync($"{client.Options.KeyPrefix}:keys:local:epoch", Token);
        var master = await OtherMasterAsync(cluster, epochMaster);

        await master.FreezeAsync(Token);
        var taken = new List<Key>();
        for (var i = 0; i < 10; i++)
            taken.AddRange(await client.Keys.TakeAsync(100, Token));
        master.Resume();

        Assert.True(taken.Count > 0);
        Assert.Distinct(taken);
        await cluster.WaitUntilHealthyAsync(Token);
    }

    private static async Task<RedisServer> StartStandaloneAsync() => await RedisServer.StartAsync(new RedisServerOptions(), Token);

    private static async Task<RedisCluster> StartClusterAsync() => await RedisCluster.StartAsync(new RedisClusterOptions(), Token);

    private static string KeyOf(RedisClient client, string code) => $"{client.Options.KeyPrefix}:link:{code}";

    private static LinkTarget NewTarget(int version) => new($"https://example.com/{version}", null, 302, IsActive: true, new StateVersion(0, version));

    private static async Task<RedisNode> MasterOfAsync(RedisClient client, RedisCluster cluster, string code) =>
        await cluster.GetMasterOfKeyAsync(KeyOf(client, code), Token);

    private static async Task<RedisNode> OtherMasterAsync(RedisCluster cluster, RedisNode master)
    {
        for (var slot = 0; ; slot += 1_000)
        {
            if (await cluster.GetMasterOfSlotAsync(slot, Token) is var other && other != master)
                return other;
        }
    }

    // Codes of one master, and codes of the others whose ranges of slots the first master has no part in.
    private static async Task<(string[] Mine, string[] Others)> SplitCodesAsync(RedisClient client, RedisCluster cluster)
    {
        var slots = new Dictionary<string, int>();
        for (var i = 0; i < 100; i++)
            slots[$"code{i}"] = await cluster.GetSlotAsync(KeyOf(client, $"code{i}"), Token);
        var master = await cluster.GetMasterOfSlotAsync(0, Token);
        var mine = new List<string>();
        var others = new List<string>();
        foreach (var (code, slot) in slots)
        {
            if (slot < 5 * 1024)
                mine.Add(code);
            else if (slot >= 6 * 1024)
                others.Add(code);
        }

        Assert.Equal(master, await cluster.GetMasterOfSlotAsync(5_000, Token));
        return ([.. mine.Take(10)], [.. others.Take(20)]);
    }

    private static async Task AssertWithinAsync(Func<Task> call)
    {
        var begin = Stopwatch.GetTimestamp();
        await call();
        Assert.InRange(Stopwatch.GetElapsedTime(begin), TimeSpan.Zero, Bound);
    }

    // Waits until calls of some codes work; those of others never cease to.
    private static async Task WorksAsync(RedisClient client, IReadOnlyList<string> codes, IReadOnlyList<string>? others = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        foreach (var code in codes)
        {
            while (!await client.Links.InvalidateAsync(new LinkVersion(code, new(0, 1)), limit.Token))
            {
                foreach (var other in others ?? [])
                    Assert.True(await client.Links.InvalidateAsync(new LinkVersion(other, new(0, 1)), limit.Token), other);
                await Task.Delay(20, limit.Token);
            }
        }
    }

    private sealed class RecordingLogger : ILogger<RedisConnection>
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IReadOnlyCollection<string> Lines => _lines;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue(formatter(state, exception));
    }
}
