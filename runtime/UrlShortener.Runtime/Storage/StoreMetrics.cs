using Prometheus;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Storage;

/// <summary>Metrics of the store.</summary>
internal static class StoreMetrics
{
    private static readonly Histogram Seconds = Metrics.CreateHistogram(
        "shortener_store_operation_seconds",
        "Time of a store operation, waiting for its turn and for the disk included.",
        new HistogramConfiguration { LabelNames = ["operation"], Buckets = RuntimeMetrics.LatencyBuckets }
    );

    private static readonly Counter Failures = Metrics.CreateCounter("shortener_store_failures_total", "Store operations that failed.", "operation");

    /// <summary>Duration of queries.</summary>
    public static readonly Histogram.Child ReadSeconds = Seconds.WithLabels("read");

    /// <summary>Duration of changes, until their commit is on disk.</summary>
    public static readonly Histogram.Child WriteSeconds = Seconds.WithLabels("write");

    /// <summary>Queries that failed.</summary>
    public static readonly Counter.Child ReadFailures = Failures.WithLabels("read");

    /// <summary>Changes that failed.</summary>
    public static readonly Counter.Child WriteFailures = Failures.WithLabels("write");
}
