using UrlShortener.EndToEnd.Tests.Product;
using UrlShortener.TestHarness.Tracing;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Tracing;

public sealed class TracingTests : ProductTest
{
    /// <summary>Protocols of the collector; where the data is changes nothing about them.</summary>
    public static TheoryData<bool> Protocols => ProductStores.AreServers ? [false] : [false, true];

    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task Spans_OfRequests_ReachTheCollector(bool isGrpc)
    {
        await using var collector = await Collector.StartAsync(isGrpc);
        var product = await StartAsync(
            $"--Tracing:Endpoint={collector.Endpoint}",
            $"--Tracing:Protocol={(isGrpc ? "grpc" : "http/protobuf")}",
            "--Tracing:SampleRatio=1",
            "--Tracing:Headers=Authorization=Bearer%20token,X-Team=links",
            "--Region:Name=eu-test"
        );
        var code = await product.Owner.CreateLinkAsync();

        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);

        var redirect = await collector.WaitAsync(span => span.Name == "GET /{short_code}", "the redirect");
        Assert.Equal("", redirect.ParentId);
        Assert.Equal(("302", $"/{code}"), (redirect.Attributes["http.response.status_code"], redirect.Attributes["url.path"]));
        Assert.Equal("url-shortener", redirect.Resource["service.name"]);
        Assert.Equal(("eu-test", "all"), (redirect.Resource["url_shortener.region"], redirect.Resource["url_shortener.role"]));
        var load = await collector.WaitAsync(span => span.Name == "load link" && span.ParentId == redirect.SpanId, "the load of the link");
        await collector.WaitAsync(span => span.ParentId == load.SpanId && span.Attributes.ContainsKey("db.system.name"), "a query");
        var create = await collector.WaitAsync(span => span.Name == "POST /api/v1/urls", "the request that created it");
        await collector.WaitAsync(
            span => span.TraceId == create.TraceId && span.ParentId == create.SpanId && span.Attributes.ContainsKey("db.system.name"),
            "what it wrote"
        );
        // Writers that a request started, and that write for others, are in no trace of theirs.
        await product.Owner.CreateLinkAsync();
        // A writer may end after the request that it wrote for.
        await Eventually.HoldsAsync(
            () => collector.Spans.Count(span => span.Name == create.Name) == 2 && collector.Spans.Count(IsWrite) >= 2,
            "the collector has the second request, and what it wrote"
        );
        Assert.Equal(2, collector.Spans.Where(IsWrite).Select(span => span.TraceId).Distinct().Count());
        Assert.Equal(2, collector.Spans.Count(IsWrite));
        Assert.All(collector.Credentials, credential => Assert.Equal("Bearer token", credential));
        Assert.True(await product.ReadMetricAsync("shortener_spans_exported_total") > 0);
        Assert.Equal(0, await product.ReadMetricAsync("shortener_spans_dropped_total"));

        static bool IsWrite(ReceivedSpan span) => span.Name is "Create sqlite" or "create postgresql";
    }
}
