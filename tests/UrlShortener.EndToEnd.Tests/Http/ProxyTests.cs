using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Http;

public sealed class ProxyTests : ProductTest
{
    private static readonly (string, string)[] Forwarded =
    [
        ("X-Forwarded-For", "203.0.113.5"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "sho.rt"),
        ("CF-IPCountry", "FR"),
        ("User-Agent", UserAgents.Desktop),
    ];

    [Fact]
    public async Task Forwarded_FromATrustedProxy_MakesShortUrlsAndCountries()
    {
        var product = await StartAsync(
            "--Proxies:Trusted:0=127.0.0.1",
            "--Links:OwnHosts:0=sho.rt",
            "--Links:OwnHosts:1=127.0.0.1",
            "--Clicks:CountryHeader=CF-IPCountry"
        );

        var created = await product.Owner.CreateAsync(new { original_url = "https://example.com/" }, Forwarded);
        var code = created.Json.GetProperty("short_code").GetString()!;
        await product.Anonymous.GetAsync($"/{code}", Forwarded);

        Assert.Equal($"https://sho.rt/{code}", created.Json.GetProperty("short_url").GetString());
        Assert.StartsWith("https://sho.rt/", created.Json.GetProperty("qr_code_url").GetString(), StringComparison.Ordinal);
        Assert.Equal("FR", await CountryOfAsync(product, code));
        (await product.Owner.CreateAsync(new { original_url = "https://sho.rt/loop" }, Forwarded)).ShouldBeProblem(400, "INVALID_URL");
    }

    [Theory]
    [InlineData("--Clicks:CountryHeader=CF-IPCountry")]
    [InlineData("--Clicks:CountryHeader=CF-IPCountry", "--Proxies:Trusted:0=192.0.2.1", "--Links:OwnHosts:0=127.0.0.1", "--Links:OwnHosts:1=sho.rt")]
    public async Task Forwarded_FromSomebodyElse_IsIgnored(params string[] settings)
    {
        var product = await StartAsync(settings);

        var created = await product.Owner.CreateAsync(new { original_url = "https://example.com/" }, Forwarded);
        var code = created.Json.GetProperty("short_code").GetString()!;
        await product.Anonymous.GetAsync($"/{code}", Forwarded);

        Assert.Equal(new Uri(product.Http.BaseAddress!, code).AbsoluteUri, created.Json.GetProperty("short_url").GetString());
        Assert.Equal("unknown", await CountryOfAsync(product, code));
    }

    [Fact]
    public async Task PublicBaseUrl_Set_MakesShortUrlsWhateverTheRequestSays()
    {
        var product = await StartAsync("--Links:PublicBaseUrl=https://go.example", "--Proxies:Trusted:0=127.0.0.1");

        var created = await product.Owner.CreateAsync(new { original_url = "https://example.com/" }, Forwarded);

        Assert.Equal($"https://go.example/{created.Json.GetProperty("short_code").GetString()}", created.Json.GetProperty("short_url").GetString());
        (await product.Owner.CreateAsync(new { original_url = "https://GO.example/loop" })).ShouldBeProblem(400, "INVALID_URL");
    }

    private static async Task<string?> CountryOfAsync(ProductProcess product, string code) =>
        (await product.Owner.WaitForClicksAsync(code, 1)).GetProperty("geographic")[0].GetProperty("country").GetString();
}
