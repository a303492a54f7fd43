using System.Globalization;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.RateLimiting;

/// <summary>Who a caller is to the limits.</summary>
public sealed class CallerTests : ProductTest
{
    private static readonly object Link = new { original_url = "https://example.com/" };

    [Fact]
    [Trait("Case", "F-11")]
    public async Task F11_RateLimitHit_WrongKeys_CountForTheAddress()
    {
        var product = await StartAsync();

        // Guessing keys must not be faster than anything else a stranger does.
        var (passed, refused) = await Limits.ExhaustAsync(() => new ApiClient(product.Http, $"usk_{Guid.NewGuid():N}").CreateAsync(Link));

        Assert.All(passed, reply => reply.ShouldBeProblem(401, "UNAUTHORIZED"));
        Limits.AssertIsLimited(refused, "anonymous", 10);
    }

    [Fact]
    public async Task XForwardedFor_FromNobodyTrusted_IsIgnored()
    {
        var product = await StartAsync();
        var number = 0;

        var (_, refused) = await Limits.ExhaustAsync(() => product.Anonymous.CreateAsync(Link, ("X-Forwarded-For", Address(number++))));

        Limits.AssertIsLimited(refused, "anonymous", 10);
    }

    [Fact]
    public async Task XForwardedFor_FromATrustedProxy_IsTheCaller()
    {
        var product = await StartAsync("--Proxies:Trusted:0=127.0.0.1", "--Links:PublicBaseUrl=https://sho.rt");

        var (_, refused) = await Limits.ExhaustAsync(() => product.Anonymous.CreateAsync(Link, ("X-Forwarded-For", "203.0.113.1")));

        Limits.AssertIsLimited(refused, "anonymous", 10);
        Assert.Equal(201, (await product.Anonymous.CreateAsync(Link, ("X-Forwarded-For", "203.0.113.2"))).Status);
        // What the visitor wrote before the proxy's entry is not believed.
        Assert.Equal(429, (await product.Anonymous.CreateAsync(Link, ("X-Forwarded-For", "203.0.113.9, 203.0.113.1"))).Status);
        Assert.Equal(201, (await product.Anonymous.CreateAsync(Link, ("X-Forwarded-For", "2001:db8:0:1::1"))).Status);
    }

    [Fact]
    public async Task XForwardedFor_SameIPv6Subscriber_IsOneCaller()
    {
        var product = await StartAsync("--Proxies:Trusted:0=127.0.0.1", "--Links:PublicBaseUrl=https://sho.rt");
        var number = 0;

        var (_, refused) = await Limits.ExhaustAsync(() =>
            product.Anonymous.CreateAsync(Link, ("X-Forwarded-For", string.Create(CultureInfo.InvariantCulture, $"2001:db8:0:1::{++number:x}")))
        );

        Limits.AssertIsLimited(refused, "anonymous", 10);
        Assert.Equal(201, (await product.Anonymous.CreateAsync(Link, ("X-Forwarded-For", "2001:db8:0:2::1"))).Status);
    }

    private static string Address(int number) => string.Create(CultureInfo.InvariantCulture, $"203.0.113.{number}");
}
