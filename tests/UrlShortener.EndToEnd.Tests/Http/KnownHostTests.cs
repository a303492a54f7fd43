using System.Net.Sockets;
using System.Text;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Http;

/// <summary>Short URLs and pictures carry names that are ours, whatever a request says.</summary>
public sealed class KnownHostTests : ProductTest
{
    private static readonly object Link = new { original_url = "https://example.com/" };

    [Fact]
    public async Task OutOfTheBox_LoopbackIsKnownAndOtherNamesAreNot()
    {
        var product = await StartAsync();
        var port = product.Http.BaseAddress!.Port;
        var code = await product.Owner.CreateLinkAsync();

        foreach (var host in (string[])[$"localhost:{port}", $"127.0.0.1:{port}", $"[::1]:{port}", $"shop.localhost:{port}"])
            Assert.Equal($"http://{host}/{code}", await ShortUrlAsync(product, code, host));
        foreach (var host in (string[])["somebody.example", "localhost.somebody.example", "192.0.2.7", "[2001:db8::1]", "a_b.example:80"])
        {
            var refused = (await product.Owner.CreateAsync(Link, ("Host", host))).ShouldBeProblem(421, "UNKNOWN_HOST");
            Assert.Contains("Links:OwnHosts", refused.GetProperty("error").GetString(), StringComparison.Ordinal);
            (await product.Anonymous.GetAsync($"/api/v1/urls/{code}/qr", ("Host", host))).ShouldBeProblem(421, "UNKNOWN_HOST");
            // A link leads on under whatever name it was reached.
            Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}", ("Host", host))).Status);
        }

        Assert.Contains("private", (await product.Anonymous.GetAsync($"/api/v1/urls/{code}/qr")).Header("Cache-Control"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 421", await SendEmptyHostAsync(port, $"/api/v1/urls/{code}/qr"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 302", await SendEmptyHostAsync(port, $"/{code}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OwnHosts_BehindAProxy_AreTheOnlyOnes()
    {
        var product = await StartAsync(
            "--Proxies:Trusted:0=127.0.0.1",
            "--Links:OwnHosts:0=sho.rt",
            "--Links:OwnHosts:1=bücher.example",
            "--Links:OwnHosts:2=127.0.0.1",
            "--AllowedHosts=127.0.0.1;*.go.example"
        );
        var code = await product.Owner.CreateLinkAsync();

        foreach (
            var (host, name) in ((string, string)[])
                [("sho.rt", "sho.rt"), ("SHO.rt:8443", "sho.rt:8443"), ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("a.go.example", "a.go.example")]
        )
            Assert.Equal($"https://{name}/{code}", await ShortUrlAsync(product, code, null, ("X-Forwarded-Host", host), ("X-Forwarded-Proto", "HTTPS")));
        foreach (var (host, scheme) in ((string, string)[])[("somebody.example", "https"), ("localhost", "https"), ("sho.rt", "javascript"), ("sho.rt", "ftp")])
        {
            (string, string)[] forwarded = [("X-Forwarded-Host", host), ("X-Forwarded-Proto", scheme)];
            (await product.Owner.CreateAsync(Link, forwarded)).ShouldBeProblem(421, "UNKNOWN_HOST");
            (await product.Anonymous.GetAsync($"/api/v1/urls/{code}/qr", forwarded)).ShouldBeProblem(421, "UNKNOWN_HOST");
            Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}", forwarded)).Status);
        }
    }

    [Fact]
    public async Task PublicBaseUrl_Set_IsTheOnlyName()
    {
        var product = await StartAsync("--Links:PublicBaseUrl=https://sho.rt", "--Proxies:Trusted:0=127.0.0.1");
        var code = await product.Owner.CreateLinkAsync();
        var own = await product.Anonymous.GetAsync($"/api/v1/urls/{code}/qr?format=svg");

        var other = await product.Anonymous.GetAsync(
            $"/api/v1/urls/{code}/qr?format=svg",
            ("X-Forwarded-Host", "somebody.example"),
            ("X-Forwarded-Proto", "javascript")
        );

        Assert.Contains("public", own.Header("Cache-Control"), StringComparison.Ordinal);
        Assert.Equal(own.Body, other.Body);
        Assert.Equal($"https://sho.rt/{code}", await ShortUrlAsync(product, code, "somebody.example"));
    }

    [Fact]
    public async Task Start_BehindProxiesWithoutAName_IsRefused()
    {
        var result = await ProductRuns.StartAsync(await NewStoresAsync(), "--Proxies:Trusted:0=127.0.0.1");

        Assert.Equal(78, result.ExitCode);
        Assert.Contains("Links:PublicBaseUrl", result.Error, StringComparison.Ordinal);
    }

    private static async Task<string?> ShortUrlAsync(ProductProcess product, string code, string? host, params (string, string)[] headers)
    {
        var reply = await product.Owner.GetAsync($"/api/v1/urls/{code}", host is null ? headers : [("Host", host), .. headers]);
        Assert.True(reply.Status == 200, reply.ToString());
        return reply.Json.GetProperty("short_url").GetString();
    }

    private static async Task<string> SendEmptyHostAsync(int port, string path)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n"), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }
}
