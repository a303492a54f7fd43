using UrlShortener.Chaos.Tests.Histories;
using UrlShortener.Chaos.Tests.Product;
using UrlShortener.Chaos.Tests.Traffic;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Redis;
using Xunit;

namespace UrlShortener.Chaos.Tests.Cases;

public sealed class OutageTests : ChaosTest
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan FailFast = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task AllServersKilled_CachedLinksGoOnAndEverythingComesBackByItself()
    {
        var installation = await InstallAsync(new PostgresClusterOptions { Replicas = 1 }, new RedisClusterOptions(), $"--Caching:Ttl={Ttl}");
        var (postgres, redis) = (installation.Postgres, installation.Redis!);
        var pod = await installation.StartPodAsync("app1");
        var other = await installation.StartPodAsync("app2");
        var cached = await installation.CreateLinksAsync(20, [pod], Token);
        var uncached = await installation.CreateLinksAsync(20, [other], Token);
        await postgres.WaitUntilReplicasCaughtUpAsync(Token);
        var history = installation.History;
        await using (
            var load = StartLoad(
                installation,
                [pod],
                new LoadOptions
                {
                    Creators = 1,
                    Followed = cached,
                    Pause = TimeSpan.FromMilliseconds(5),
                }
            )
        )
        {
            var killed = history.Now;
            await Task.WhenAll([.. postgres.Nodes.Select(node => node.KillAsync(Token)), .. redis.Nodes.Select(node => node.KillAsync(Token))]);
            var down = history.Now;
            // Well past the time that a link is held.
            await UntilAsync(() => history.Now > down + (3 * Ttl), "links in memory are past their time");
            var client = installation.ClientOf(pod);
            await using (var machine = MachineDelay.Watch(() => pod.Anonymous.GetAsync("/health/live")))
            {
                foreach (var code in uncached)
                {
                    var refused = await client.FollowAsync(code, Token);
                    Assert.True(refused.Status == 503, refused.ToString());
                    Assert.True(refused.Duration < FailFast + (10 * history.MachineDelay(down, cached)) + machine.Longest, refused.ToString());
                }
            }
            var create = await pod.As(installation.ApiKey).CreateAsync(new { original_url = "https://example.com/" });
            create.ShouldBeProblem(503, "UNAVAILABLE");
            Assert.Equal(503, (await pod.Anonymous.GetAsync("/health")).Status);
            Assert.Equal(200, (await pod.Anonymous.GetAsync("/health/ready")).Status);
            ExpectNoFailure(history, killed, cached);

            await Task.WhenAll([.. postgres.Nodes.Select(node => node.StartAsync(Token)), .. redis.Nodes.Select(node => node.StartAsync(Token))]);
            await redis.WaitUntilHealthyAsync(Token);
            await Eventually.ReadAsync(
                () => pod.Anonymous.GetAsync("/health"),
                reply => reply.Json.GetProperty("status").GetString() == "healthy",
                "the product is healthy"
            );
            var back = history.Now;
            await UntilAsync(() => history.Find(OperationKind.Create, back, TimeSpan.MaxValue).Any(create => create.IsAcknowledged), "links are created");
            await installation.FollowAllAsync(pod, uncached, Token);
            await load.StopAsync();
            ExpectNoFailure(history, killed, cached);
        }

        await installation.VerifyAsync(pod, StaleBound, [], Token);
    }

    private static void ExpectNoFailure(History history, TimeSpan from, IReadOnlyList<string> cached)
    {
        var follows = history.Find(OperationKind.Follow, from, TimeSpan.MaxValue).Where(follow => cached.Contains(follow.Code));
        AssertAllAnswered("redirects of cached links", [.. follows]);
    }
}
