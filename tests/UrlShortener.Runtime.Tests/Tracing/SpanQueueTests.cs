using System.Diagnostics;
using OpenTelemetry;
using UrlShortener.Tracing;
using Xunit;

namespace UrlShortener.Runtime.Tests.Tracing;

[Collection(ProcessStateTestGroup.Name)]
public sealed class SpanQueueTests
{
    [Fact]
    public void OnEnd_CollectorHangs_HoldsItsCapacityAndCountsTheRest()
    {
        using var exporter = new HangingExporter();
        using var queue = new SpanQueue(exporter);
        var before = SpanMetrics.DroppedAtQueue.Value;

        for (var i = 0; i < SpanQueue.Capacity + 1_000; i++)
            queue.OnEnd(NewSpan());

        Assert.Equal(SpanQueue.Capacity, queue.Waiting);
        Assert.Equal(1_000, SpanMetrics.DroppedAtQueue.Value - before);
        exporter.Release();
    }

    [Fact]
    public void OnEnd_SpanIsNotRecorded_DoesNotWait()
    {
        using var exporter = new HangingExporter();
        using var queue = new SpanQueue(exporter);
        using var span = new Activity("not recorded").Start();

        queue.OnEnd(span);

        Assert.Equal(0, queue.Waiting);
        exporter.Release();
    }

    [Theory]
    [InlineData("http://collector:4318", "http://collector:4318/v1/traces")]
    [InlineData("http://collector:4318/", "http://collector:4318/v1/traces")]
    [InlineData("https://example.com/otlp/", "https://example.com/otlp/v1/traces")]
    [InlineData("https://example.com/otlp/v1/traces", "https://example.com/otlp/v1/traces")]
    public void WithPath_Endpoint_IsTheAddressOfTraces(string endpoint, string expected) =>
        Assert.Equal(expected, TraceExport.WithPath(new Uri(endpoint)).AbsoluteUri);

    [Theory]
    [InlineData(0)]
    [InlineData(0.01)]
    [InlineData(0.5)]
    [InlineData(1)]
    public void Draw_ManyEvents_TakesItsShare(double ratio)
    {
        const int Events = 1_000_000;
        var draw = new Draw(ratio);

        var taken = Enumerable.Range(0, Events).Count(_ => draw.TakesNext());

        // Ten standard deviations.
        Assert.InRange(
            taken,
            (Events * ratio) - (10 * Math.Sqrt(Events * ratio * (1 - ratio))),
            (Events * ratio) + (10 * Math.Sqrt(Events * ratio * (1 - ratio)))
        );
    }

    private static Activity NewSpan()
    {
        var span = new Activity("span") { ActivityTraceFlags = ActivityTraceFlags.Recorded };
        span.Start();
        span.Stop();
        return span;
    }

    private sealed class HangingExporter : BaseExporter<Activity>
    {
        private readonly ManualResetEventSlim _released = new();

        public void Release() => _released.Set();

        public override ExportResult Export(in Batch<Activity> batch)
        {
            _released.Wait();
            return ExportResult.Failure;
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (disposing)
                _released.Set();
        }
    }
}
