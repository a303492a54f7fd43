using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Http;

public sealed class CrossOriginTests : ProductTest
{
    private const string Urls = "/api/v1/urls";
    private const string Allowed = "https://app.example.com";

    [Fact]
    public async Task Api_AllowedOrigin_MayCallAndReadFromABrowser()
    {
        var product = await StartAsync(
            $"--Cors:AllowedOrigins:0={Allowed}",
            "--Cors:AllowedOrigins:1=http://localhost:3000",
            "--RateLimiting:Anonymous=1000000"
        );

        foreach (var origin in (string[])[Allowed, "http://localhost:3000"])
        {
            var preflight = await PreflightAsync(product, origin, "PATCH", "x-api-key,content-type,idempotency-key");
            Assert.Equal((204, origin), (preflight.Status, preflight.Header("Access-Control-Allow-Origin")));
            Assert.Contains("PATCH", preflight.Header("Access-Control-Allow-Methods"), StringComparison.Ordinal);
            Assert.Contains("Idempotency-Key", preflight.Header("Access-Control-Allow-Headers"), StringComparison.OrdinalIgnoreCase);
            Assert.Null(preflight.Header("Access-Control-Allow-Credentials"));
        }

        var created = await product.Owner.CreateAsync(new { original_url = "https://example.com/" }, ("Origin", Allowed));
        var refused = await product.Anonymous.GetAsync(Urls, ("Origin", Allowed));
        Assert.Equal((201, Allowed), (created.Status, created.Header("Access-Control-Allow-Origin")));
        foreach (var name in (string[])["Content-Disposition", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "Idempotency-Replayed"])
            Assert.Contains(name, created.Header("Access-Control-Expose-Headers")!.Split(','));
        Assert.Contains("Origin", created.Header("Vary"), StringComparison.Ordinal);
        // A page can read why it was refused.
        Assert.Equal((401, Allowed), (refused.Status, refused.Header("Access-Control-Allow-Origin")));
    }

    [Fact]
    public async Task Api_OtherOrigin_GetsNoLeave()
    {
        var product = await StartAsync($"--Cors:AllowedOrigins:0={Allowed}");

        foreach (var origin in (string[])["https://app.example.com.evil.example", "http://app.example.com", "https://APP.example.com:8443", "null"])
        {
            var preflight = await PreflightAsync(product, origin, "POST", "content-type");
            Assert.True(preflight.Header("Access-Control-Allow-Origin") is null, $"{origin}: {preflight}");
            var reply = await product.Owner.GetAsync(Urls, ("Origin", origin));
            Assert.True(reply.Header("Access-Control-Allow-Origin") is null, $"{origin}: {reply}");
        }
    }

    [Fact]
    public async Task Api_NotConfigured_GivesNobodyLeave()
    {
        var product = await StartAsync();

        (await PreflightAsync(product, Allowed, "POST", "content-type")).ShouldBeProblem(405, "METHOD_NOT_ALLOWED");
        Assert.Null((await product.Owner.GetAsync(Urls, ("Origin", Allowed))).Header("Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData("*")]
    [InlineData("https://*.example.com")]
    [InlineData("app.example.com")]
    [InlineData("https://app.example.com/")]
    [InlineData("https://App.example.com")]
    public async Task Start_NotAnOrigin_IsToldByName(string origin)
    {
        var result = await ProductRuns.StartAsync(await NewStoresAsync(), $"--Cors:AllowedOrigins:0={origin}");

        Assert.Equal(78, result.ExitCode);
        Assert.Contains("Cors:AllowedOrigins", result.Error, StringComparison.Ordinal);
    }

    private static Task<Reply> PreflightAsync(ProductProcess product, string origin, string method, string headers) =>
        product.Anonymous.SendAsync(
            HttpMethod.Options,
            Urls,
            null,
            ("Origin", origin),
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", headers)
        );
}
