using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Redirects;

/// <summary>Links as texts, mail programs and other applications of the same domain send visitors to them.</summary>
public sealed class LenientRequestTests : ProductTest, IClassFixture<ProductFixture>
{
    private readonly ProductProcess _product;

    public LenientRequestTests(ProductFixture fixture) => _product = Share(fixture.Product);

    [Theory]
    [InlineData("Cookie: name=Andr\u00E9")]
    [InlineData("Referer: https://example.org/caf\u00E9")]
    [InlineData("X-Other: \u00FF\u00FE\u0080")]
    public async Task Redirect_HeaderIsNotUtf8_IsFollowedAndCounted(string header)
    {
        var code = await _product.Owner.CreateLinkAsync();

        var answer = await RawHttp.SendAsync(_product, $"GET /{code}", $"User-Agent: {UserAgents.Desktop}", header);

        Assert.True(answer.Status == 302, answer.Text);
        Assert.Equal(1, (await _product.Owner.WaitForClicksAsync(code, 1)).GetProperty("total_clicks").GetInt64());
    }

    [Fact]
    public async Task Redirect_UserAgentIsNotUtf8_IsFollowedAndCounted()
    {
        var code = await _product.Owner.CreateLinkAsync();

        var answer = await RawHttp.SendAsync(_product, $"GET /{code}", $"User-Agent: {UserAgents.Desktop} Caf\u00E9/1\u0080");
        // A second click in the same batch: what is stored of the first must not keep it out.
        await _product.Anonymous.GetAsync($"/{code}", ("User-Agent", UserAgents.Desktop));

        Assert.True(answer.Status == 302, answer.Text);
        Assert.Equal(2, (await _product.Owner.WaitForClicksAsync(code, 2)).GetProperty("total_clicks").GetInt64());
    }

    [Fact]
    public async Task Redirect_NulInHeader_IsRefusedOrFollowedAndNothingIsLost()
    {
        var code = await _product.Owner.CreateLinkAsync();

        var answer = await RawHttp.SendAsync(_product, $"GET /{code}", "User-Agent: Mozilla/5.0 (Windows NT 10.0)\0", "Referer: https://example.org/\0");
        await _product.Anonymous.GetAsync($"/{code}", ("User-Agent", UserAgents.Desktop));

        await _product.Owner.WaitForClicksAsync(code, answer.Status == 302 ? 2 : 1);
    }

    /// <summary>The server decides this before any code of ours; the documentation says so. A test that fails here is good news.</summary>
    [Theory]
    [InlineData("\u00E9")]
    [InlineData("?name=Andr\u00E9")]
    public async Task Redirect_RawByteInTheRequestLine_IsRefusedByTheServer(string end)
    {
        var code = await _product.Owner.CreateLinkAsync();

        var answer = await RawHttp.SendAsync(_product, $"GET /{code}{end}");

        Assert.True(answer.Status == 400, answer.Text);
    }

    [Fact]
    public async Task Api_CredentialIsNotUtf8_IsAWrongCredential()
    {
        var answer = await RawHttp.SendAsync(_product, "GET /api/v1/urls", "X-API-Key: usk_\u00E9");

        Assert.True(answer.Status == 401, answer.Text);
    }

    [Theory]
    [InlineData(".")]
    [InlineData(",")]
    [InlineData(")")]
    [InlineData("!")]
    [InlineData(";")]
    [InlineData("%22")]
    [InlineData("%3E")]
    [InlineData("%5D.")]
    [InlineData("%20%20")]
    [InlineData("%E2%80%9D")]
    [InlineData("%E2%80%8B")]
    [InlineData("%C2%A0%EF%BB%BF")]
    [InlineData("%BB")]
    [InlineData("%2F")]
    public async Task Redirect_TextGluedToTheCode_IsFollowedAndCountedAsTheCode(string glue)
    {
        var code = await _product.Owner.CreateLinkAsync();

        var reply = await _product.Anonymous.GetAsync($"/{code}{glue}", ("User-Agent", UserAgents.Desktop));

        Assert.True(reply.Status == 302, reply.ToString());
        Assert.Equal(1, (await _product.Owner.WaitForClicksAsync(code, 1)).GetProperty("total_clicks").GetInt64());
        Assert.Equal(404, (await _product.Anonymous.GetAsync($"/{code}{glue}html")).Status);
        Assert.Equal(404, (await _product.Anonymous.GetAsync($"/nosuch7{glue}")).Status);
    }
}
