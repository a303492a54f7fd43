using Prometheus;
using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Queue;

/// <summary>What queues report, under the names of Go's client-go, so that its dashboards work.</summary>
internal static class QueueMetrics
{
    /// <summary>Keys that wait for a worker.</summary>
    public static readonly Gauge Depth = Metrics.CreateGauge("workqueue_depth", "Keys that wait for a worker.", "name");

    /// <summary>Keys added; those that waited already are not counted again.</summary>
    public static readonly Counter Adds = Metrics.CreateCounter("workqueue_adds_total", "Keys added.", "name");

    /// <summary>How long a key waited for a worker.</summary>
    public static readonly Histogram QueueSeconds = Metrics.CreateHistogram(
        "workqueue_queue_duration_seconds", "How long a key waited for a worker.", ["name"], new HistogramConfiguration { Buckets = DurationBuckets.Seconds });

    /// <summary>How long the work on a key took.</summary>
    public static readonly Histogram WorkSeconds = Metrics.CreateHistogram(
        "workqueue_work_duration_seconds", "How long the work on a key took.", ["name"], new HistogramConfiguration { Buckets = DurationBuckets.Seconds });

    /// <summary>Sum of how long the keys in work have been in work.</summary>
    public static readonly Gauge UnfinishedSeconds = Metrics.CreateGauge(
        "workqueue_unfinished_work_seconds", "Sum of the ages of work that is not finished.", "name");

    /// <summary>How long the key has been in work that has been there longest.</summary>
    public static readonly Gauge LongestRunningSeconds = Metrics.CreateGauge(
        "workqueue_longest_running_processor_seconds", "Age of the oldest work that is not finished.", "name");

    /// <summary>Keys added again with a delay that grows.</summary>
    public static readonly Counter Retries = Metrics.CreateCounter("workqueue_retries_total", "Keys added again after a failure.", "name");
}
