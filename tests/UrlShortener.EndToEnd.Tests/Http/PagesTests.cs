using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Http;

public sealed class PagesTests : ProductTest, IClassFixture<ProductFixture>
{
    private readonly ProductProcess _product;

    public PagesTests(ProductFixture fixture) => _product = Share(fixture.Product);

    [Fact]
    public async Task OpenApi_Document_DescribesEveryPathOfTheSpecification()
    {
        var reply = await _product.Anonymous.GetAsync("/openapi/v1.json");

        Assert.Equal(200, reply.Status);
        Assert.StartsWith("3.1.", reply.Json.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        var paths = reply.Json.GetProperty("paths");
        foreach (
            var (path, method) in new[]
            {
                ("/api/v1/urls", "post"),
                ("/api/v1/urls/{short_code}", "get"),
                ("/{short_code}", "get"),
                ("/api/v1/urls/{short_code}", "patch"),
                ("/api/v1/urls/{short_code}", "delete"),
                ("/api/v1/urls/{short_code}/stats", "get"),
                ("/api/v1/urls/bulk", "post"),
                ("/health", "get"),
            }
        )
        {
            Assert.True(paths.GetProperty(path).TryGetProperty(method, out _), $"{method} {path}");
        }
    }

    [Fact]
    public async Task Docs_Page_IsServed()
    {
        var reply = await _product.Anonymous.GetAsync("/docs");

        Assert.Equal(200, reply.Status);
        Assert.StartsWith("text/html", reply.Header("Content-Type"), StringComparison.Ordinal);
        Assert.Contains("URL Shortener API", reply.Text, StringComparison.Ordinal);
        Assert.Contains("<html lang=\"en\">", reply.Text, StringComparison.Ordinal);
        Assert.Equal(200, (await _product.Anonymous.HeadAsync("/docs")).Status);
        Assert.Equal(200, (await _product.Anonymous.GetAsync("/docs/")).Status);
        Assert.Equal(200, (await _product.Anonymous.GetAsync("/docs/scalar.js")).Status);
    }

    [Fact]
    public async Task Home_Page_IsServed()
    {
        var reply = await _product.Anonymous.GetAsync("/");

        Assert.Equal(200, reply.Status);
        Assert.StartsWith("text/html", reply.Header("Content-Type"), StringComparison.Ordinal);
        Assert.Contains("/docs", reply.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/favicon.ico", "image/svg+xml")]
    [InlineData("/favicon.svg", "image/svg+xml")]
    [InlineData("/errors", "text/html")]
    public async Task Page_ForPeople_IsServedToGetAndHead(string path, string type)
    {
        var reply = await _product.Anonymous.GetAsync(path);
        var head = await _product.Anonymous.HeadAsync(path);

        Assert.Equal((200, 200), (reply.Status, head.Status));
        Assert.StartsWith(type, reply.Header("Content-Type"), StringComparison.Ordinal);
        Assert.NotEmpty(reply.Body);
        Assert.Empty(head.Body);
    }

    [Fact]
    public async Task Robots_File_KeepsCrawlersFromTheApi()
    {
        var reply = await _product.Anonymous.GetAsync("/robots.txt");

        Assert.Equal(200, reply.Status);
        Assert.StartsWith("text/plain", reply.Header("Content-Type"), StringComparison.Ordinal);
        Assert.Contains("Disallow: /api/", reply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_Serving_TellsEveryComponent()
    {
        var reply = await Eventually.ReadAsync(
            () => _product.Anonymous.GetAsync("/health"),
            answer => answer.Json.GetProperty("status").GetString() == "healthy",
            "the key pool is filled"
        );

        Assert.Equal(200, reply.Status);
        Assert.Equal(["database", "cache", "kgs"], reply.Json.GetProperty("components").EnumerateObject().Select(component => component.Name));
        Assert.All(reply.Json.GetProperty("components").EnumerateObject(), component => Assert.Equal("healthy", component.Value.GetString()));
        Assert.False(string.IsNullOrEmpty(reply.Json.GetProperty("version").GetString()));
        foreach (var probe in new[] { "live", "ready", "startup" })
            Assert.Equal(200, (await _product.Anonymous.GetAsync($"/health/{probe}")).Status);
    }

    [Fact]
    public async Task Metrics_Serving_CountsRedirects()
    {
        var code = await _product.Owner.CreateLinkAsync();
        await _product.Anonymous.GetAsync($"/{code}");

        var reply = await _product.Anonymous.GetAsync("/metrics");

        Assert.Equal(200, reply.Status);
        Assert.Matches("""shortener_redirects_total\{result="found",region="local"\} [1-9]""", reply.Text);
        Assert.DoesNotContain(code, reply.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api/v1/nothing")]
    [InlineData("/api/v2/urls")]
    [InlineData("/a/b/c")]
    [InlineData("/.env")]
    [InlineData("/wp-login.php")]
    public async Task Address_Unknown_Returns404Problem(string path)
    {
        var reply = await _product.Anonymous.GetAsync(path);

        reply.ShouldBeProblem(404, path.LastIndexOf('/') == 0 ? "URL_NOT_FOUND" : "NOT_FOUND");
    }

    [Theory]
    [InlineData("PUT", "/api/v1/urls", "GET", "POST")]
    [InlineData("POST", "/api/v1/urls/abcdefg/stats", "GET")]
    [InlineData("POST", "/health", "GET", "HEAD")]
    [InlineData("DELETE", "/robots.txt", "GET", "HEAD")]
    [InlineData("DELETE", "/metrics", "GET", "HEAD")]
    public async Task Address_OtherMethod_Returns405WithAllow(string method, string path, params string[] allowed)
    {
        var reply = await _product.Anonymous.SendAsync(new HttpMethod(method), path);

        reply.ShouldBeProblem(405, "METHOD_NOT_ALLOWED");
        Assert.Equal(allowed, reply.Header("Allow")!.Split(", ").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Answer_Any_NamesNoServer() => Assert.Null((await _product.Anonymous.GetAsync("/health")).Header("Server"));
}
