using System.Net;
using UrlShortener.EndToEnd.Tests.Product;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Http;

public sealed class ManagementPortTests : ProductTest
{
    private static readonly string[] Managed =
    [
        "/metrics",
        "/METRICS",
        "/metrics/",
        "/%6Detrics",
        "/health/live",
        "/health/ready",
        "/health/startup",
        "/Health/Live/",
        "/kgs/v1/status",
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Port_OfItsOwn_HasMetricsAndProbesAndThePublicOneHasNot()
    {
        var port = Ports.Take();
        var product = await StartAsync($"--Management:Port={port}");
        var code = await product.Owner.CreateLinkAsync();
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        var management = new ApiClient(http, product.ApiKey);

        foreach (var path in Managed)
        {
            var reply = await product.Anonymous.GetAsync(path);
            Assert.True(reply.Status == 404, $"{path} answers {reply.Status} on the public port.");
            // As any other address that does not exist.
            Assert.Equal("NOT_FOUND", reply.Json.GetProperty("code").GetString());
        }

        Assert.Equal(200, (await product.Anonymous.GetAsync("/health")).Status);
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);
        foreach (var path in new[] { "/metrics", "/health/live", "/health/ready", "/health/startup", "/health" })
            Assert.True((await management.GetAsync(path)).Status == 200, path);
        foreach (var path in new[] { "/", $"/{code}", "/api/v1/urls", $"/api/v1/urls/{code}", "/docs", "/openapi/v1.json", "/metricsx" })
            Assert.True((await management.GetAsync(path)).Status == 404, path);
        // The client chooses the Host header; the port is what counts.
        using var forged = new HttpRequestMessage(HttpMethod.Get, new Uri(product.Http.BaseAddress!, "/metrics")) { Headers = { Host = $"127.0.0.1:{port}" } };
        Assert.Equal(HttpStatusCode.NotFound, (await product.Http.SendAsync(forged, Token)).StatusCode);
        // Neither an address that is not there nor a probe is traffic of an operation.
        Assert.Contains(
            "shortener_requests_total{operation=\"other\",code=\"404\",region=\"local\"}",
            (await management.GetAsync("/metrics")).Text,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Port_NotSet_IsThePublicOne()
    {
        var product = await StartAsync();

        foreach (var path in new[] { "/metrics", "/health/live", "/health/ready", "/health/startup", "/health" })
            Assert.True((await product.Anonymous.GetAsync(path)).Status == 200, path);
    }

    [Fact]
    public async Task Port_OfItsOwnAndVisitorsAtTheirLimit_StillAnswersProbes()
    {
        var port = Ports.Take();
        var product = await StartAsync($"--Management:Port={port}", "--Connections:Max=1");
        using var visitor = new System.Net.Sockets.TcpClient();
        await visitor.ConnectAsync(IPAddress.Loopback, product.Http.BaseAddress!.Port, Token);

        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        Assert.Equal("live", await http.GetStringAsync("/health/live", Token));
        Assert.Equal("live", await http.GetStringAsync("/health/live", Token));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("-1")]
    [InlineData("http")]
    public async Task Start_PortIsNone_SaysSo(string port)
    {
        var result = await ProductRuns.AssertIsMisconfiguredAsync(await NewStoresAsync(), "Management:Port", $"--Management:Port={port}");

        Assert.Contains("Management:Port ", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--urls=http://127.0.0.1:0;http://127.0.0.1:{0}", "Urls http://127.0.0.1:{0}")]
    [InlineData("--Kestrel:Endpoints:web:Url=http://127.0.0.1:{0}", "Kestrel:Endpoints:web:Url http://127.0.0.1:{0}")]
    public async Task Start_PortIsThePublicOne_SaysWhatToDo(string setting, string named)
    {
        var port = Ports.Take().ToString(System.Globalization.CultureInfo.InvariantCulture);

        var result = await ProductRuns.AssertIsMisconfiguredAsync(
            await NewStoresAsync(),
            "Management:Port",
            $"--Management:Port={port}",
            setting.Replace("{0}", port, StringComparison.Ordinal)
        );

        Assert.Contains(
            $"Management:Port must not be {port}, the port of {named.Replace("{0}", port, StringComparison.Ordinal)}",
            result.Error,
            StringComparison.Ordinal
        );
    }
}
