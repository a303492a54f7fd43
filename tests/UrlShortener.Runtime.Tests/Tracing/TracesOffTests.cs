using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using UrlShortener.Runtime.Telemetry;
using UrlShortener.Tracing;
using Xunit;

namespace UrlShortener.Runtime.Tests.Tracing;

/// <summary>Out of the box there are no traces, and they cost nothing.</summary>
[Collection(ProcessStateTestGroup.Name)]
public sealed class TracesOffTests
{
    [Fact]
    public async Task Request_TracesAreOff_HasNoSpanAndNobodyListens()
    {
        await using var product = await TracedProduct.StartAsync();

        using var request = TracedProduct.Request(
            HttpMethod.Get,
            TracedProduct.ProbePath,
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        );
        using var answer = await product.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal("none", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.DoesNotContain(product.Services.GetServices<IHostedService>(), service => service is TraceExport);
        using var source = new ActivitySource(Spans.SourceName);
        Assert.False(source.HasListeners());
        Assert.Empty(product.Spans);
    }

    [Fact]
    public void Span_TracesAreOff_AllocatesNothing()
    {
        Start();
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 1_000; i++)
            Start();

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        static void Start()
        {
            Assert.Null(Spans.StartRequest("GET", default));
            Assert.Null(Spans.Start("load link"));
            Assert.Null(Spans.StartCall(Spans.Postgres, "FindTargetAsync"));
            Assert.Null(Spans.StartWork("write clicks"));
        }
    }
}
