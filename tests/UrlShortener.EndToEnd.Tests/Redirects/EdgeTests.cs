using System.Globalization;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Redirects;

/// <summary>What shared caches before the product are told.</summary>
public sealed class EdgeTests : ProductTest
{
    [Fact]
    public async Task Redirect_EdgeTtlIsSet_NamesItUpToTheLinksEnd()
    {
        var product = await StartAsync("--Redirects:EdgeTtl=00:05:00");
        var code = await product.Owner.CreateLinkAsync();

        var reply = await product.Anonymous.GetAsync($"/{code}");
        await product.Owner.PatchAsync($"/api/v1/urls/{code}", new { expires_at = TimeProvider.System.GetUtcNow().AddSeconds(100) });
        var ending = await product.Anonymous.GetAsync($"/{code}");

        Assert.Equal("max-age=300", reply.Header("CDN-Cache-Control"));
        Assert.All(
            [reply, ending],
            answer => Assert.Equal(["max-age=0", "private"], answer.Header("Cache-Control")!.Split(", ").Order(StringComparer.Ordinal))
        );
        Assert.InRange(MaxAge(ending.Header("CDN-Cache-Control")), 0, 100);
    }

    private static int MaxAge(string? header) =>
        int.Parse(header!.Split(", ").Single(part => part.StartsWith("max-age=", StringComparison.Ordinal))["max-age=".Length..], CultureInfo.InvariantCulture);
}
