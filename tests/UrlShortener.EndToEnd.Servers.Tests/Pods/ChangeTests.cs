using System.Diagnostics;
using UrlShortener.EndToEnd.Tests.Product;
using UrlShortener.TestServers.Network;
using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

[Collection(nameof(QuietMachine))]
public sealed class ChangeTests : PodTest
{
    // A second, and what the replica lags.
    private static readonly TimeSpan Promise = TimeSpan.FromSeconds(1.5);

    // A pod that has asked for an alias in vain asks again after a second, without being told.
    private static readonly string[] ShortAbsence = ["--Caching:Ttl=01:00:00", "--Caching:NegativeTtl=00:00:01"];

    [Fact]
    public async Task Change_ThroughOnePod_IsSeenThroughTheOtherWithinASecondWhateverRedisDoes()
    {
        var region = await StartRegionAsync(await NewRegionStoresAsync(isRedisGated: true), [.. ShortAbsence, "--Redis:Timeout=00:00:00.050"]);
        foreach (var mode in (TcpGateMode[])[TcpGateMode.Open, TcpGateMode.BlackHole, TcpGateMode.Closed])
        {
            region.Stores.RedisGate.Mode = TcpGateMode.Open;
            foreach (var pod in region.Pods)
                await WaitForCacheAsync(pod);
            region.Stores.RedisGate.Mode = mode;

            await AssertChangesAreSeenAsync(region);
        }

        // Redis is away. An alias that was asked for before is found after the time of its absence.
        var alias = await AskForAliasAsync(region);
        Assert.Equal(201, (await region.OnA.CreateAsync(new { original_url = "https://example.com/alias", custom_alias = alias })).Status);
        await Eventually.ReadAsync(() => region.B.Anonymous.GetAsync($"/{alias}"), reply => reply.Status == 302, "the alias is found");
    }

    [Fact]
    public async Task Change_ThroughOnePodWithRedisCluster_IsSeenThroughTheOtherWithinASecond() =>
        await AssertChangesAreSeenAsync(await GetCommonRegionAsync());

    [Fact]
    public async Task Alias_AskedForBeforeItWasCreated_IsFoundOnceAnotherPodCreatesIt()
    {
        var region = await GetCommonRegionAsync();
        var alias = await AskForAliasAsync(region);

        Assert.Equal(201, (await region.OnA.CreateAsync(new { original_url = "https://example.com/alias", custom_alias = alias })).Status);

        var found = await Eventually.ReadAsync(() => region.B.Anonymous.GetAsync($"/{alias}"), reply => reply.Status != 404, "the alias is found");
        Assert.Equal("https://example.com/alias", found.Header("Location"));
    }

    private static async Task<string> AskForAliasAsync(Region region)
    {
        var alias = NewAlias();
        Assert.Equal(404, (await region.B.Anonymous.GetAsync($"/{alias}")).Status);
        Assert.Equal(404, (await region.B.Anonymous.GetAsync($"/{alias}")).Status);
        return alias;
    }

    private static Task<Reply> WaitForCacheAsync(ProductProcess pod) =>
        Eventually.ReadAsync(
            () => pod.Anonymous.GetAsync("/health"),
            reply => reply.Json.GetProperty("components").GetProperty("cache").GetString() == "healthy",
            "the pod reaches Redis"
        );

    private static async Task AssertChangesAreSeenAsync(Region region)
    {
        var code = await region.OnA.CreateLinkAsync("https://example.com/old");
        foreach (var pod in region.Pods.Concat(region.Pods))
            Assert.Equal("https://example.com/old", (await pod.Anonymous.GetAsync($"/{code}")).Header("Location"));

        Assert.Equal(200, (await region.OnA.PatchAsync($"/api/v1/urls/{code}", new { original_url = "https://example.com/new" })).Status);
        Assert.Equal("https://example.com/new", (await region.A.Anonymous.GetAsync($"/{code}")).Header("Location"));
        await AssertSeenAsync(region, code, reply => reply.Header("Location") == "https://example.com/new");

        Assert.Equal(204, (await region.OnA.DeleteAsync($"/api/v1/urls/{code}")).Status);
        Assert.Equal(404, (await region.A.Anonymous.GetAsync($"/{code}")).Status);
        await AssertSeenAsync(region, code, reply => reply.Status == 404);
    }

    private static async Task AssertSeenAsync(Region region, string code, Func<Reply, bool> isChanged)
    {
        await using var machine = MachineDelay.Watch(() => region.A.Anonymous.GetAsync("/health/live"));
        var changed = Stopwatch.GetTimestamp();
        await Eventually.ReadAsync(() => region.B.Anonymous.GetAsync($"/{code}"), isChanged, "the change is seen through the other pod");
        var elapsed = Stopwatch.GetElapsedTime(changed);
        var limit = Promise + (3 * machine.Longest);
        // Nothing brings the old state back.
        var asked = Stopwatch.GetTimestamp();
        foreach (var _ in Enumerable.Range(0, 20))
            Assert.True(isChanged(await region.B.Anonymous.GetAsync($"/{code}")));
        // How long twenty answers from memory take is what the machine adds.
        limit += Stopwatch.GetElapsedTime(asked);
        Assert.True(elapsed <= limit, $"The change was seen through the other pod after {elapsed.TotalSeconds:0.00} s.");
    }
}
