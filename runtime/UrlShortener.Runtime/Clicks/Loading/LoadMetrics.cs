using Prometheus;
using UrlShortener.Contracts;

namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>What the load of click events reports: received = loaded + duplicates + rejected.</summary>
internal static class LoadMetrics
{
    /// <summary>How long a batch takes, whatever becomes of it.</summary>
    public static readonly Histogram Seconds = Metrics.CreateHistogram(
        "shortener_click_load_seconds",
        "Duration of the load of a batch of click events.",
        new HistogramConfiguration { Buckets = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30] }
    );

    /// <summary>Batches that failed.</summary>
    public static readonly Counter Failures = Metrics.CreateCounter(
        "shortener_click_load_failures_total",
        "Batches of click events that failed and are tried again."
    );

    /// <summary>Whether something does not work.</summary>
    public static readonly Gauge Failing = Metrics.CreateGauge(
        "shortener_click_load_failing",
        "1 while Kafka does not answer, or a batch of click events cannot be loaded."
    );

    /// <summary>Records that Kafka deleted before they were loaded.</summary>
    public static readonly Counter Expired = Metrics.CreateCounter(
        "shortener_click_events_expired_total",
        "Click events that Kafka deleted before they were loaded."
    );

    /// <summary>Events that are received and not loaded, or not received yet.</summary>
    public static readonly Gauge Lag = Metrics.CreateGauge("shortener_click_load_lag_events", "Click events of this process's partitions that are not loaded.");

    /// <summary>Age of the oldest click that is not loaded.</summary>
    public static readonly Gauge Delay = Metrics.CreateGauge("shortener_click_load_delay_seconds", "Age of the oldest received click that is not loaded.");

    /// <summary>Partitions of this process.</summary>
    public static readonly Gauge Partitions = Metrics.CreateGauge("shortener_click_load_partitions", "Partitions of click events that this process loads.");

    private static readonly Gauge Newest = Metrics.CreateGauge(
        "shortener_click_load_newest_timestamp_seconds",
        "Unix time of the newest click that this process loaded; 0 before the first."
    );

    private static readonly Counter Loaded = Metrics.CreateCounter("shortener_click_events_loaded_total", "Click events that were loaded.");

    private static readonly Counter Duplicates = Metrics.CreateCounter(
        "shortener_click_events_duplicate_total",
        "Click events that had been loaded before and were left out."
    );

    private static readonly Counter Rejected = Metrics.CreateCounter(
        "shortener_click_events_rejected_total",
        "Records that cannot be loaded and went to the topic of dead letters, by reason.",
        "reason"
    );

    static LoadMetrics()
    {
        foreach (var reason in (string[])[Events.ClickEventReader.NotJson, Events.ClickEventReader.NotBySchema, SortedBatch.TimeOutOfRange])
            Rejected.WithLabels(reason);
    }

    /// <summary>The state of the load, as the metrics tell it.</summary>
    public static LoadingResponse Read() => new(Failing.Value > 0, (int)Partitions.Value, (long)Lag.Value, Math.Round(Delay.Value, 1));

    /// <summary>Counts a batch that is complete.</summary>
    public static void Count(SortedBatch sorted)
    {
        // No attempt before this one came to count what it inserted.
        Loaded.Inc(sorted.New.Count + sorted.Inserted);
        if (sorted.New.Count > 0)
            Newest.IncTo(sorted.New.Max(click => click.Event.Click.At.ToUnixTimeMilliseconds()) / 1000.0);
        Duplicates.Inc(sorted.Duplicates);
        foreach (var rejected in sorted.Rejected)
            Rejected.WithLabels(rejected.Rejected!.Reason).Inc();
    }
}
