using Prometheus;

namespace UrlShortener.Runtime.Clicks;

/// <summary>What the capture of clicks reports: captured = stored + dropped + waiting.</summary>
internal static class ClickMetrics
{
    /// <summary>Clicks on disk.</summary>
    public static readonly Counter Stored = Metrics.CreateCounter("shortener_clicks_stored_total", "Clicks written to the store.");

    /// <summary>Clicks of redirects that were answered.</summary>
    public static readonly Counter Captured = Metrics.CreateCounter("shortener_clicks_captured_total", "Clicks captured: stored, dropped or waiting.");

    private static readonly Counter Dropped = Metrics.CreateCounter("shortener_clicks_dropped_total", "Clicks dropped, by reason.", "reason");

    /// <summary>Clicks lost because the queue was full.</summary>
    public static readonly Counter.Child DroppedAtQueue = Dropped.WithLabels("queue_full");

    /// <summary>Clicks lost because the region takes no writes and the queue was full, or the process stopped.</summary>
    public static readonly Counter.Child DroppedInReadOnlyRegion = Dropped.WithLabels("read_only");

    /// <summary>Clicks lost because a shutdown ran out of time.</summary>
    public static readonly Counter.Child DroppedAtStop = Dropped.WithLabels("stop");

    /// <summary>Clicks that were stored, and could not be counted for as long as single clicks are kept.</summary>
    public static readonly Counter.Child DroppedUncounted = Dropped.WithLabels("not_counted");

    /// <summary>Clicks waiting in memory.</summary>
    public static readonly Gauge Waiting = Metrics.CreateGauge("shortener_clicks_waiting", "Clicks in memory that are not yet written.");

    private static Func<int>? WaitingCount;

    static ClickMetrics() => Metrics.DefaultRegistry.AddBeforeCollectCallback(Compute);

    /// <summary>Time to write a batch.</summary>
    public static readonly Histogram WriteSeconds = Metrics.CreateHistogram(
        "shortener_click_write_seconds",
        "Time to write a batch of clicks.",
        new HistogramConfiguration { Buckets = Telemetry.RuntimeMetrics.LatencyBuckets }
    );

    /// <summary>Says how to count the clicks that wait. A click must leave that count before it is counted as stored.</summary>
    public static void CountWaitingBy(Func<int> count) => Volatile.Write(ref WaitingCount, count);

    // Computed at collection. Updates by redirects would cost each of them, and updates by the writer would be late while it is busy. What is final is read
    // first: a click that is stored meanwhile is then missing from this sum, and in the next one. In the other order it would be counted twice.
    private static void Compute()
    {
        var final = Stored.Value + DroppedAtQueue.Value + DroppedInReadOnlyRegion.Value + DroppedAtStop.Value;
        var waiting = Volatile.Read(ref WaitingCount)?.Invoke() ?? 0;
        Waiting.Set(waiting);
        Captured.IncTo(final + waiting);
    }
}
