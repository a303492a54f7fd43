using Prometheus;
using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Queue;

/// <summary>Metrics of queues, under the names of Go's client-go, so that its dashboards work.</summary>
internal static class QueueMetrics
{
    /// <summary>Keys that wait for a worker.</summary>
    public static readonly Gauge Depth = Metrics.CreateGauge("workqueue_depth", "Keys that wait for a worker.", "name");

    /// <summary>Keys added; a key that already waits is not counted again.</summary>
    public static readonly Counter Adds = Metrics.CreateCounter("workqueue_adds_total", "Keys added.", "name");

    /// <summary>Time that a key waited for a worker.</summary>
    public static readonly Histogram QueueSeconds = Metrics.CreateHistogram(
        "workqueue_queue_duration_seconds",
        "Time that a key waited for a worker.",
        ["name"],
        new HistogramConfiguration { Buckets = DurationBuckets.Seconds }
    );

    /// <summary>Duration of the work on a key.</summary>
    public static readonly Histogram WorkSeconds = Metrics.CreateHistogram(
        "workqueue_work_duration_seconds",
        "Duration of the work on a key.",
        ["name"],
        new HistogramConfiguration { Buckets = DurationBuckets.Seconds }
    );

    /// <summary>Sum of the ages of unfinished work.</summary>
    public static readonly Gauge UnfinishedSeconds = Metrics.CreateGauge("workqueue_unfinished_work_seconds", "Sum of the ages of unfinished work.", "name");

    /// <summary>Age of the oldest unfinished work.</summary>
    public static readonly Gauge LongestRunningSeconds = Metrics.CreateGauge(
        "workqueue_longest_running_processor_seconds",
        "Age of the oldest unfinished work.",
        "name"
    );

    /// <summary>Time since the key that has waited longest was added. The histogram counts a key only when a worker takes it, which a stuck worker never
    /// does.</summary>
    public static readonly Gauge LongestWaitingSeconds = Metrics.CreateGauge(
        "shortener_operator_workqueue_longest_waiting_seconds",
        "Time since the key that has waited longest for a worker was added.",
        "name"
    );

    /// <summary>Keys added again with backoff.</summary>
    public static readonly Counter Retries = Metrics.CreateCounter("workqueue_retries_total", "Keys added again after a failure.", "name");

    /// <summary>Creates the series of a queue, so that a rate sees their first change.</summary>
    public static void Prepare(string name)
    {
        foreach (var gauge in new[] { Depth, UnfinishedSeconds, LongestRunningSeconds, LongestWaitingSeconds })
            gauge.WithLabels(name);
        foreach (var counter in new[] { Adds, Retries })
            counter.WithLabels(name);
        foreach (var histogram in new[] { QueueSeconds, WorkSeconds })
            histogram.WithLabels(name);
    }
}
