using System.Globalization;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.RateLimiting;

public sealed class RateLimitTests : ProductTest
{
    // Far more than any limit here, also when the machine is so slow that tokens come back meanwhile.
    private const int MostTries = 200;

    private static readonly object Link = new { original_url = "https://example.com/" };

    [Fact]
    [Trait("Case", "F-11")]
    public async Task F11_RateLimitHit_User_Returns429WithRetryAfter()
    {
        var product = await StartAsync();
        var user = await product.CreateUserAsync(NewEmail(), "--rate-limit", "5");

        var (passed, refused) = await ExhaustAsync(() => user.CreateAsync(Link));

        Assert.True(passed.Count >= 5, $"{passed.Count} requests passed.");
        Assert.Equal("\"free\";q=5;w=60", passed[0].Header("RateLimit-Policy"));
        Assert.Equal("\"free\";r=4;t=12", passed[0].Header("RateLimit"));
        AssertIsLimited(refused, "free", 5);
        // The limit is the API's alone, and that user's alone.
        Assert.Equal(302, (await user.GetAsync($"/{passed[0].Json.GetProperty("short_code").GetString()}")).Status);
        Assert.Equal(201, (await product.Owner.CreateAsync(Link)).Status);
        Assert.Equal(201, (await product.Anonymous.CreateAsync(Link)).Status);
        Assert.Equal(200, (await user.GetAsync("/health")).Status);
    }

    [Fact]
    [Trait("Case", "F-11")]
    public async Task F11_RateLimitHit_Anonymous_Gets10AMinute()
    {
        var product = await StartAsync();

        var (passed, refused) = await ExhaustAsync(() => product.Anonymous.CreateAsync(Link));

        Assert.True(passed.Count >= 10, $"{passed.Count} requests passed.");
        Assert.Equal("\"anonymous\";q=10;w=60", passed[0].Header("RateLimit-Policy"));
        AssertIsLimited(refused, "anonymous", 10);
        Assert.Equal(201, (await product.Owner.CreateAsync(Link)).Status);
    }

    [Fact]
    [Trait("Case", "F-11")]
    public async Task F11_RateLimitHit_WrongKeys_CountForTheAddress()
    {
        var product = await StartAsync();

        // Guessing keys must not be faster than anything else a stranger does.
        var (passed, refused) = await ExhaustAsync(() => new ApiClient(product.Http, $"usk_{Guid.NewGuid():N}").CreateAsync(Link));

        Assert.All(passed, reply => reply.ShouldBeProblem(401, "UNAUTHORIZED"));
        AssertIsLimited(refused, "anonymous", 10);
    }

    [Fact]
    [Trait("Case", "F-11")]
    public async Task F11_RateLimitHit_TokensComeBack_RequestsPassAgain()
    {
        var product = await StartAsync();
        // A token every tenth of a second.
        var user = await product.CreateUserAsync(NewEmail(), "--rate-limit", "600");
        var replies = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(_ => user.GetAsync("/api/v1/urls")));
        Assert.Contains(replies, reply => reply.Status == 429);

        await Eventually.ReadAsync(() => user.GetAsync("/api/v1/urls"), reply => reply.Status == 200, "a request passes again");
    }

    [Fact]
    public async Task XForwardedFor_FromNobodyTrusted_IsIgnored()
    {
        var product = await StartAsync();
        var number = 0;

        var (_, refused) = await ExhaustAsync(() => product.Anonymous.CreateAsync(Link, ("X-Forwarded-For", Address(number++))));

        AssertIsLimited(refused, "anonymous", 10);
    }

    [Fact]
    public async Task XForwardedFor_FromATrustedProxy_IsTheCaller()
    {
        var product = await StartAsync("--Proxies:Trusted:0=127.0.0.1", "--Links:PublicBaseUrl=https://sho.rt");

        var (_, refused) = await ExhaustAsync(() => product.Anonymous.CreateAsync(Link, ("X-Forwarded-For", "203.0.113.1")));

        AssertIsLimited(refused, "anonymous", 10);
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

        var (_, refused) = await ExhaustAsync(() =>
            product.Anonymous.CreateAsync(Link, ("X-Forwarded-For", string.Create(CultureInfo.InvariantCulture, $"2001:db8:0:1::{++number:x}")))
        );

        AssertIsLimited(refused, "anonymous", 10);
        Assert.Equal(201, (await product.Anonymous.CreateAsync(Link, ("X-Forwarded-For", "2001:db8:0:2::1"))).Status);
    }

    private static string Address(int number) => string.Create(CultureInfo.InvariantCulture, $"203.0.113.{number}");

    private static async Task<(List<Reply> Passed, Reply Refused)> ExhaustAsync(Func<Task<Reply>> send)
    {
        var passed = new List<Reply>();
        while (passed.Count < MostTries)
        {
            var reply = await send();
            if (reply.Status == 429)
                return (passed, reply);
            passed.Add(reply);
        }

        Assert.Fail($"None of {MostTries} requests was refused.");
        throw new InvalidOperationException();
    }

    private static void AssertIsLimited(Reply reply, string policy, int limit)
    {
        var retryAfter = reply.ShouldBeProblem(429, "RATE_LIMIT_EXCEEDED").GetProperty("retry_after").GetInt32();
        Assert.InRange(retryAfter, 1, 60);
        Assert.Equal(retryAfter.ToString(CultureInfo.InvariantCulture), reply.Header("Retry-After"));
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"\"{policy}\";q={limit};w=60"), reply.Header("RateLimit-Policy"));
        Assert.Matches($"^\"{policy}\";r=0;t=[0-9]+$", reply.Header("RateLimit"));
    }
}
