using System.Collections.Concurrent;
using System.Diagnostics;
using UrlShortener.EndToEnd.Tests.Product;
using UrlShortener.TestServers.Network;
using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

public sealed class SharingTests : PodTest
{
    private const int Limit = 20;
    private const string Urls = "/api/v1/urls";

    [Fact]
    public async Task Idempotency_SameKeyToTwoPodsAtOnce_CreatesOneLinkAndAnswersTheSameBytes()
    {
        var region = await GetCommonRegionAsync();
        for (var round = 1; round <= 10; round++)
        {
            var key = ("X-Idempotency-Key", Guid.NewGuid().ToString());
            var target = $"https://example.com/once/{round}";
            var link = new { original_url = target };

            // Short URLs carry the host of the request; here both pods have the name of the service.
            var replies = await Task.WhenAll(
                new[] { region.OnA, region.OnB, region.OnA, region.OnB }.Select(client => client.CreateAsync(link, key, ("Host", "sho.rt")))
            );

            Assert.All(replies, reply => Assert.True(reply.Status == 201, reply.ToString()));
            Assert.All(replies, reply => Assert.Equal(replies[0].Body, reply.Body));
            Assert.Equal(1, await region.Stores.ReadAsync($"SELECT count(*) FROM urls WHERE original_url = '{target}'"));
        }
    }

    [Fact]
    public async Task RateLimit_ThroughTwoPods_IsOneLimit()
    {
        var region = await GetCommonRegionAsync();
        var user = await region.A.CreateUserAsync(NewEmail(), rateLimit: Limit);

        var passed = await SpendAsync(region.Pods, user.ApiKey!);

        Assert.InRange(passed.Total, Limit, Limit + passed.Refilled(Limit));
    }

    [Fact]
    public async Task RateLimit_RedisAway_IsHeldByEachPodInPartAndReported()
    {
        var region = await StartRegionAsync(await NewRegionStoresAsync(isRedisGated: true));
        await region.Stores.WaitUntilCountedAsync(processes: 2);
        region.Stores.RedisGate.Mode = TcpGateMode.Closed;
        var user = await region.A.CreateUserAsync(NewEmail(), rateLimit: Limit);

        foreach (var pod in region.Pods)
        {
            var passed = await SpendAsync([pod], user.ApiKey!);
            Assert.InRange(passed.Total, Limit / 2, (Limit / 2) + passed.Refilled(Limit / 2));
            Assert.Equal(1, await pod.ReadMetricAsync("shortener_rate_limit_degraded"));
            var health = await pod.Anonymous.GetAsync("/health");
            Assert.True(health.Status == 200, health.ToString());
            Assert.Equal("degraded", health.Json.GetProperty("status").GetString());
            Assert.Equal("degraded", health.Json.GetProperty("components").GetProperty("cache").GetString());
        }

        region.Stores.RedisGate.Mode = TcpGateMode.Open;
        foreach (var pod in region.Pods)
        {
            await Eventually.ReadAsync(
                async () =>
                {
                    await new ApiClient(pod.Http, region.ApiKey).GetAsync(Urls);
                    return await pod.ReadMetricAsync("shortener_rate_limit_degraded");
                },
                degraded => degraded == 0,
                "limits are shared again"
            );
            await Eventually.ReadAsync(
                () => pod.Anonymous.GetAsync("/health"),
                reply => reply.Json.GetProperty("status").GetString() == "healthy",
                "the pod is healthy again"
            );
        }
    }

    [Fact]
    [Trait("Case", "F-14")]
    public async Task F14_KgsKeyUniqueness_ThroughTwoPodsAtOnce_CodesDifferAndComeFromThePool()
    {
        const int each = 3_000;
        var region = await StartRegionAsync();
        var codes = new ConcurrentDictionary<string, int>();
        var left = each * 2;

        await Task.WhenAll(
            Enumerable
                .Range(0, 16)
                .Select(async number =>
                {
                    var client = number % 2 == 0 ? region.OnA : region.OnB;
                    while (Interlocked.Decrement(ref left) >= 0)
                        codes.AddOrUpdate(await client.CreateLinkAsync(), 1, (_, times) => times + 1);
                })
        );

        Assert.DoesNotContain(codes, code => code.Value > 1);
        Assert.Equal(each * 2, codes.Count);
        // Those made before the first block of codes arrived are among them.
        var onDemand = await region.A.ReadMetricAsync("shortener_keys_on_demand_total") + await region.B.ReadMetricAsync("shortener_keys_on_demand_total");
        Assert.InRange(onDemand, 0, each / 100);
        foreach (var process in region.Processes)
            await process.StopAsync();
        Assert.Equal("ok", await region.Stores.CheckAsync());
    }

    [Fact]
    public async Task Metrics_OfAPod_HaveBreakersAndConnections()
    {
        var region = await GetCommonRegionAsync();

        foreach (var dependency in new[] { "postgres-primary", "postgres-replicas", "redis" })
            Assert.Equal(0, await region.A.ReadMetricAsync("shortener_circuit_breaker_open", $"\"{dependency}\""));
        foreach (var target in new[] { "primary", "replicas" })
        {
            Assert.Equal(20, await region.A.ReadMetricAsync("shortener_postgres_connections_limit", $"\"{target}\""));
            Assert.InRange(await region.A.ReadMetricAsync("shortener_postgres_connections_in_use", $"\"{target}\""), 0, 20);
        }
    }

    // Three times the limit, in turn through the pods.
    private static async Task<Spent> SpendAsync(IReadOnlyList<ProductProcess> pods, string apiKey)
    {
        var started = Stopwatch.GetTimestamp();
        var passed = 0;
        for (var number = 0; number < Limit * 3; number++)
        {
            var reply = await new ApiClient(pods[number % pods.Count].Http, apiKey).GetAsync(Urls);
            if (reply.Status == 200)
                passed++;
            else
                reply.ShouldBeProblem(429, "RATE_LIMIT_EXCEEDED");
        }

        return new Spent(passed, Stopwatch.GetElapsedTime(started));
    }

    private sealed record Spent(int Total, TimeSpan Elapsed)
    {
        /// <summary>Most tokens that came back meanwhile, at a limit per minute.</summary>
        public int Refilled(int limit) => (int)Math.Ceiling(Elapsed.TotalMinutes * limit) + 1;
    }
}
