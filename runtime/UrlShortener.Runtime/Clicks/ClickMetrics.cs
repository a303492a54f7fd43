using Prometheus;

namespace UrlShortener.Runtime.Clicks;

/// <summary>What the capture of clicks reports: captured = stored + dropped + waiting.</summary>
internal static class ClickMetrics
{
    /// <summary>Clicks on disk.</summary>
    public static readonly Counter Stored = Metrics.CreateCounter("shortener_clicks_stored_total", "Clicks written to the store.");

    /// <summary>Clicks lost because the queue was full or a shutdown ran out of time.</summary>
    public static readonly Counter Dropped = Metrics.CreateCounter("shortener_clicks_dropped_total", "Clicks dropped.");

    /// <summary>Clicks waiting in memory.</summary>
    public static readonly Gauge Waiting = Metrics.CreateGauge("shortener_clicks_waiting", "Clicks in memory that are not yet written.");

    private static Func<int>? WaitingCount;

    // Computed at collection. Updates by redirects would cost each of them, and updates by the writer would be late while it is busy.
    static ClickMetrics() => Metrics.DefaultRegistry.AddBeforeCollectCallback(() => Waiting.Set(Volatile.Read(ref WaitingCount)?.Invoke() ?? 0));

    /// <summary>Time to write a batch.</summary>
    public static readonly Histogram WriteSeconds = Metrics.CreateHistogram(
        "shortener_click_write_seconds",
        "Time to write a batch of clicks.",
        new HistogramConfiguration { Buckets = Telemetry.RuntimeMetrics.LatencyBuckets }
    );

    /// <summary>Says how to count the clicks that wait.</summary>
    public static void CountWaitingBy(Func<int> count) => Volatile.Write(ref WaitingCount, count);
}
