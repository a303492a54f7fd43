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

    // Longer than any test: what a pod has cached goes by a change alone.
    private static readonly string[] LongCaching = ["--Caching:Ttl=01:00:00", "--Caching:NegativeTtl=00:05:00"];

    [Theory]
    [InlineData(TcpGateMode.Open)]
    [InlineData(TcpGateMode.Closed)]
    [InlineData(TcpGateMode.BlackHole)]
    public async Task Change_ThroughOnePod_IsSeenThroughTheOtherWithinASecond(TcpGateMode redis)
    {
        var region = await StartRegionAsync(await NewRegionStoresAsync(isRedisGated: true), [.. LongCaching, .. ProductStores.UsualLimits]);
        region.Stores.RedisGate.Mode = redis;

        await AssertChangesAreSeenAsync(region);
    }

    [Fact]
    public async Task Change_ThroughOnePodWithRedisCluster_IsSeenThroughTheOtherWithinASecond() =>
        await AssertChangesAreSeenAsync(await StartRegionAsync(null, LongCaching));

    [Fact]
    public async Task Alias_AskedForBeforeItWasCreated_IsFoundOnceAnotherPodCreatesIt()
    {
        var region = await StartRegionAsync(null, LongCaching);
        var alias = NewAlias();
        Assert.Equal(404, (await region.B.Anonymous.GetAsync($"/{alias}")).Status);
        Assert.Equal(404, (await region.B.Anonymous.GetAsync($"/{alias}")).Status);

        Assert.Equal(201, (await region.OnA.CreateAsync(new { original_url = "https://example.com/alias", custom_alias = alias })).Status);

        var found = await Eventually.ReadAsync(() => region.B.Anonymous.GetAsync($"/{alias}"), reply => reply.Status != 404, "the alias is found");
        Assert.Equal("https://example.com/alias", found.Header("Location"));
    }

    [Fact]
    public async Task Alias_AskedForBeforeItWasCreatedAndRedisIsAway_IsFoundAfterTheTimeOfItsAbsence()
    {
        var region = await StartRegionAsync(await NewRegionStoresAsync(isRedisGated: true), "--Caching:NegativeTtl=00:00:01");
        region.Stores.RedisGate.Mode = TcpGateMode.Closed;
        var alias = NewAlias();
        Assert.Equal(404, (await region.B.Anonymous.GetAsync($"/{alias}")).Status);

        Assert.Equal(201, (await region.OnA.CreateAsync(new { original_url = "https://example.com/alias", custom_alias = alias })).Status);

        await Eventually.ReadAsync(() => region.B.Anonymous.GetAsync($"/{alias}"), reply => reply.Status == 302, "the alias is found");
    }

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
        var changed = Stopwatch.GetTimestamp();
        await Eventually.ReadAsync(() => region.B.Anonymous.GetAsync($"/{code}"), isChanged, "the change is seen through the other pod");
        var elapsed = Stopwatch.GetElapsedTime(changed);
        Assert.True(elapsed <= Promise, $"The change was seen through the other pod after {elapsed.TotalSeconds:0.00} s.");
        // Nothing brings the old state back.
        foreach (var _ in Enumerable.Range(0, 20))
            Assert.True(isChanged(await region.B.Anonymous.GetAsync($"/{code}")));
    }
}
