using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Links;

public sealed class AliasCacheTests : ProductTest
{
    [Fact]
    public async Task Bulk_ThousandsOfAliases_LeaveOtherLinksInMemory()
    {
        const int links = 100;
        var product = await StartAsync("--Caching:Ttl=01:00:00", "--RateLimiting:Enterprise=1000000");
        var codes = new List<string>();
        for (var i = 0; i < links; i++)
            codes.Add(await product.Owner.CreateLinkAsync());
        await FollowAsync(product, codes);
        var misses = await product.ReadMetricAsync("shortener_cache_lookups_total", "tier=\"memory\",result=\"miss\"");

        for (var bulk = 0; bulk < 3; bulk++)
        {
            var reply = await product.Owner.CreateManyAsync(
                Enumerable.Range(0, 1_000).Select(_ => (object)new { original_url = "https://example.com/alias", custom_alias = NewAlias() })
            );
            Assert.Equal(201, reply.Status);
        }

        await FollowAsync(product, codes);
        Assert.Equal(misses, await product.ReadMetricAsync("shortener_cache_lookups_total", "tier=\"memory\",result=\"miss\""));
    }

    private static async Task FollowAsync(ProductProcess product, List<string> codes)
    {
        foreach (var code in codes)
            Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);
    }
}
