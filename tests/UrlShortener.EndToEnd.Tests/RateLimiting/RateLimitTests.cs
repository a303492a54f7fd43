using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.RateLimiting;

public sealed class RateLimitTests : ProductTest
{
    private static readonly object Link = new { original_url = "https://example.com/" };

    [Fact]
    [Trait("Case", "F-11")]
    public async Task F11_RateLimitHit_UserThenAnonymous_Return429WithRetryAfter()
    {
        var product = await StartAsync();
        var user = await product.CreateUserAsync(NewEmail(), rateLimit: 5);

        var (passed, refused) = await Limits.ExhaustAsync(() => user.CreateAsync(Link));

        Assert.True(passed.Count >= 5, $"{passed.Count} requests passed.");
        Assert.Equal("\"free\";q=5;w=60", passed[0].Header("RateLimit-Policy"));
        Assert.Equal("\"free\";r=4;t=12", passed[0].Header("RateLimit"));
        Limits.AssertIsLimited(refused, "free", 5);
        // The limit is the API's alone, and that user's alone.
        Assert.Equal(302, (await user.GetAsync($"/{passed[0].Json.GetProperty("short_code").GetString()}")).Status);
        Assert.Equal(201, (await product.Owner.CreateAsync(Link)).Status);
        Assert.Equal(200, (await user.GetAsync("/health")).Status);

        (passed, refused) = await Limits.ExhaustAsync(() => product.Anonymous.CreateAsync(Link));

        Assert.True(passed.Count >= 10, $"{passed.Count} requests passed.");
        Assert.Equal("\"anonymous\";q=10;w=60", passed[0].Header("RateLimit-Policy"));
        Limits.AssertIsLimited(refused, "anonymous", 10);
        Assert.Equal(201, (await product.Owner.CreateAsync(Link)).Status);
    }

    [Fact]
    [Trait("Case", "F-11")]
    public async Task F11_RateLimitHit_TokensComeBack_RequestsPassAgain()
    {
        var product = await StartAsync();
        // A token every half second: however slow the machine is, fewer come back than there are requests.
        var user = await product.CreateUserAsync(NewEmail(), rateLimit: 120);
        var replies = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(_ => user.GetAsync("/api/v1/urls")));
        Assert.Contains(replies, reply => reply.Status == 429);

        await Eventually.ReadAsync(() => user.GetAsync("/api/v1/urls"), reply => reply.Status == 200, "a request passes again");
    }
}
