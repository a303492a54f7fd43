using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using UrlShortener.EndToEnd.Tests.Product;
using UrlShortener.TestHarness.Tracing;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Tracing;

/// <summary>Spans on their way from the process to the collector.</summary>
public sealed class CollectorTests : ProductTest
{
    [Fact]
    public async Task Span_EndedRightBeforeTheStop_ReachesTheCollector()
    {
        await using var collector = await Collector.StartAsync();
        var product = await StartAsync($"--Tracing:Endpoint={collector.Endpoint}", "--Tracing:SampleRatio=1");
        await product.Anonymous.GetAsync("/unknown1");

        await product.StopAsync();

        Assert.Contains(collector.Spans, span => span.Name == "GET /{short_code}");
    }

    // Nobody listens; somebody listens and never answers.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Collector_IsGoneOrHangs_DelaysNothingAndIsCounted(bool hangs)
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var port = ((IPEndPoint)silent.LocalEndpoint).Port;
        if (!hangs)
            silent.Stop();
        var product = await StartAsync($"--Tracing:Endpoint=http://127.0.0.1:{port}", "--Tracing:SampleRatio=1");
        var code = await product.Owner.CreateLinkAsync();

        for (var i = 0; i < 100; i++)
            Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);
        if (!hangs)
            await Eventually.HoldsAsync(
                async () => await product.ReadMetricAsync("shortener_spans_dropped_total", "cause=\"export\"") > 0,
                "the spans are counted"
            );
        await product.StopAsync();

        Assert.Matches(@"(Cannot export spans to|Dropped \d+ spans:) http://127\.0\.0\.1", product.Output);
    }

    [Fact]
    public async Task LogLine_OfATracedRequest_HasItsTrace()
    {
        await using var collector = await Collector.StartAsync();
        var product = await StartAsync(
            $"--Tracing:Endpoint={collector.Endpoint}",
            "--Tracing:SampleRatio=1",
            "--Logging:Console:FormatterName=json",
            "--Logging:LogLevel:Microsoft.AspNetCore.Routing=Debug"
        );

        await product.Anonymous.GetAsync("/unknown1");

        var span = await collector.WaitAsync(span => span.Name == "GET /{short_code}", "the request");
        await Eventually.HoldsAsync(
            () =>
                product
                    .Output.Split('\n')
                    .Any(line =>
                        line.StartsWith('{')
                        && line.Contains($"\"TraceId\":\"{span.TraceId}\"", StringComparison.Ordinal)
                        && JsonDocument.Parse(line) is not null
                    ),
            "a line has the trace"
        );
    }
}
