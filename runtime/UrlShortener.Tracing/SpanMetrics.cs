using Prometheus;

namespace UrlShortener.Tracing;

/// <summary>Metrics of the export of spans.</summary>
public static class SpanMetrics
{
    /// <summary>Spans that the collector has accepted.</summary>
    internal static readonly Counter Exported = Metrics.CreateCounter("shortener_spans_exported_total", "Spans that the collector accepted.");

    private static readonly Counter Dropped = Metrics.CreateCounter("shortener_spans_dropped_total", "Spans that never reached the collector.", "cause");

    /// <summary>Spans that found the queue full.</summary>
    internal static readonly Counter.Child DroppedAtQueue = Dropped.WithLabels("queue");

    /// <summary>Spans of batches that the collector did not accept in time.</summary>
    internal static readonly Counter.Child DroppedAtExport = Dropped.WithLabels("export");

    /// <summary>Spans that still waited when the process stopped.</summary>
    internal static readonly Counter.Child DroppedAtStop = Dropped.WithLabels("stop");
}
