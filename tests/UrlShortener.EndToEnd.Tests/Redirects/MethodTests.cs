using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Redirects;

public sealed class MethodTests : ProductTest, IClassFixture<ProductFixture>
{
    private readonly ProductProcess _product;

    public MethodTests(ProductFixture fixture) => _product = Share(fixture.Product);

    [Theory]
    [InlineData(307)]
    [InlineData(308)]
    public async Task Redirect_LinkThatKeepsTheMethod_AnswersEveryMethod(int type)
    {
        var code = await CreateAsync(type);

        // Each as if it were the first: loaded, then from memory.
        foreach (var method in new[] { "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "X-OWN" })
        {
            var reply = await _product.Anonymous.SendAsync(new HttpMethod(method), $"/{code}", new { any = "body" }, ("User-Agent", UserAgents.Desktop));
            Assert.Equal((type, "https://example.com/form"), (reply.Status, reply.Header("Location")));
        }

        // All but OPTIONS, and HEAD never.
        await _product.Anonymous.HeadAsync($"/{code}", ("User-Agent", UserAgents.Desktop));
        Assert.Equal(6, (await _product.Owner.WaitForClicksAsync(code, 6)).GetProperty("total_clicks").GetInt64());
    }

    [Fact]
    public async Task Redirect_BodyIsAnnouncedAndNeverComes_IsAnswered()
    {
        var code = await CreateAsync(308);

        var answer = await RawHttp.SendAsync(_product, $"POST /{code}", "Content-Length: 1000000", "Expect: 100-continue");

        Assert.True(answer.Status == 308, answer.Text);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    public async Task Redirect_LinkThatDoesNotKeepTheMethod_Returns405(int type)
    {
        var code = await CreateAsync(type);

        foreach (var method in new[] { "POST", "OPTIONS", "X-OWN" })
        {
            var reply = await _product.Anonymous.SendAsync(new HttpMethod(method), $"/{code}");
            reply.ShouldBeProblem(405, "METHOD_NOT_ALLOWED");
            Assert.Equal("GET, HEAD", reply.Header("Allow"));
        }
    }

    [Theory]
    [InlineData("/health", "GET, HEAD")]
    [InlineData("/robots.txt", "GET, HEAD")]
    [InlineData("/", "GET, HEAD")]
    [InlineData("/docs", "GET")]
    public async Task OwnPage_OtherMethod_Returns405(string path, string allow)
    {
        var reply = await _product.Anonymous.PostAsync(path, new { });

        reply.ShouldBeProblem(405, "METHOD_NOT_ALLOWED");
        Assert.StartsWith(allow, reply.Header("Allow"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redirect_UnknownCode_TakesNoOtherMethod()
    {
        var reply = await _product.Anonymous.PostAsync("/nosuch7", new { });

        reply.ShouldBeProblem(405, "METHOD_NOT_ALLOWED");
        Assert.Equal("GET, HEAD", reply.Header("Allow"));
    }

    private async Task<string> CreateAsync(int type)
    {
        var created = await _product.Owner.CreateAsync(new { original_url = "https://example.com/form", redirect_type = type });
        return created.Json.GetProperty("short_code").GetString()!;
    }
}
