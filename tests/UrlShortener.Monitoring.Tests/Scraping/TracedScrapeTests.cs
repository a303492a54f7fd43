using UrlShortener.TestHarness.Monitoring;
using UrlShortener.TestServers.Monitoring;
using Xunit;

namespace UrlShortener.Monitoring.Tests.Scraping;

/// <summary>With traces on, /metrics is what Prometheus reads: in OpenMetrics, an exemplar in the wrong place or a name without <c>_total</c> ends a scrape.</summary>
public sealed class TracedScrapeTests
{
    private const string OpenMetrics = "application/openmetrics-text";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Scrape_TracesAreOn_IsTaken()
    {
        await Monitoring.GetProgramsAsync();
        using var folder = new TestFolder();
        await using var product = new RunningProduct(
            "the product",
            folder.FullName,
            // Nobody listens there: spans are recorded, and dropped.
            [$"--Storage:DataDirectory={folder.PathOf("data")}", "--Tracing:Endpoint=http://127.0.0.1:1", "--Tracing:SampleRatio=1"]
        );
        await product.WaitUntilReadyAsync(TimeSpan.FromMinutes(1));
        var client = new ApiClient(product.Http, await product.ReadFirstKeyAsync());
        var code = await client.CreateLinkAsync();
        for (var i = 0; i < 3; i++)
            Assert.Equal(302, (await client.GetAsync($"/{code}")).Status);
        await using var server = await PrometheusServer.StartAsync(Configuration(product.Http.BaseAddress!), new Dictionary<string, string>(), Token);
        using var prometheus = new PrometheusApi(server.Address);

        await Eventually.HoldsAsync(
            async () => (await prometheus.QueryAsync("shortener_redirects_total{result=\"found\"} == 3")).Count == 1,
            "Prometheus has the redirects"
        );
        await Eventually.HoldsAsync(
            async () => (await prometheus.QueryAsync("shortener_spans_dropped_total > 0")).Count > 0,
            "Prometheus has the dropped spans"
        );
        // The last scrape of a busy machine may have been late.
        await Eventually.HoldsAsync(async () => Assert.Single(await prometheus.QueryAsync("up")).Value == 1, "a scrape is taken");
        await Eventually.HoldsAsync(
            async () => (await prometheus.QueryAsync("shortener_redirect_seconds_bucket{le=\"1.0\"}")).Count > 0,
            "Prometheus has the histogram"
        );

        // What Prometheus asked for.
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics") { Headers = { { "Accept", $"{OpenMetrics};version=1.0.0" } } };
        using var answer = await product.Http.SendAsync(request, Token);
        Assert.Equal(OpenMetrics, answer.Content.Headers.ContentType!.MediaType);
        var text = await answer.Content.ReadAsStringAsync(Token);
        Assert.EndsWith("# EOF\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("# {", text, StringComparison.Ordinal);
    }

    private static string Configuration(Uri product) =>
        $"""
            global:
              scrape_interval: 1s
              scrape_timeout: 1s
            scrape_configs:
            - job_name: url-shortener
              static_configs:
              - targets: ["{product.Authority}"]
            """;
}
