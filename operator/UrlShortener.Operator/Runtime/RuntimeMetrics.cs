using Prometheus;

namespace UrlShortener.Operator.Runtime;

/// <summary>What the controller runtime reports, under the names of Go's controller-runtime and client-go where these have one, so that their dashboards work.</summary>
internal static class RuntimeMetrics
{
    private static readonly double[] Seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    /// <summary>Reconciles by controller and result: <c>success</c>, <c>error</c>, <c>requeue</c>, <c>requeue_after</c>.</summary>
    public static readonly Counter Reconciles = Metrics.CreateCounter("controller_runtime_reconcile_total", "Reconciles.", "controller", "result");

    /// <summary>Reconciles that failed.</summary>
    public static readonly Counter ReconcileErrors = Metrics.CreateCounter("controller_runtime_reconcile_errors_total", "Failed reconciles.", "controller");

    /// <summary>Reconciles that threw what is no answer of a server: bugs.</summary>
    public static readonly Counter ReconcilePanics = Metrics.CreateCounter(
        "controller_runtime_reconcile_panics_total", "Reconciles that ended with an unexpected exception.", "controller");

    /// <summary>Reconciles that ran into their time limit.</summary>
    public static readonly Counter ReconcileTimeouts = Metrics.CreateCounter(
        "controller_runtime_reconcile_timeouts_total", "Reconciles that ran into their time limit.", "controller");

    /// <summary>Duration of a reconcile.</summary>
    public static readonly Histogram ReconcileSeconds = Metrics.CreateHistogram(
        "controller_runtime_reconcile_time_seconds", "Duration of a reconcile.", ["controller"], new HistogramConfiguration { Buckets = Seconds });

    /// <summary>Reconciles that run now.</summary>
    public static readonly Gauge ActiveWorkers = Metrics.CreateGauge("controller_runtime_active_workers", "Reconciles that run now.", "controller");

    /// <summary>How many reconciles can run at once.</summary>
    public static readonly Gauge MaxConcurrentReconciles = Metrics.CreateGauge(
        "controller_runtime_max_concurrent_reconciles", "How many reconciles can run at once.", "controller");

    /// <summary>Keys that wait for a worker.</summary>
    public static readonly Gauge QueueDepth = Metrics.CreateGauge("workqueue_depth", "Keys that wait for a worker.", "name");

    /// <summary>Keys added; those that waited already are not counted again.</summary>
    public static readonly Counter QueueAdds = Metrics.CreateCounter("workqueue_adds_total", "Keys added.", "name");

    /// <summary>How long a key waited for a worker.</summary>
    public static readonly Histogram QueueSeconds = Metrics.CreateHistogram(
        "workqueue_queue_duration_seconds", "How long a key waited for a worker.", ["name"], new HistogramConfiguration { Buckets = Seconds });

    /// <summary>How long the work on a key took.</summary>
    public static readonly Histogram WorkSeconds = Metrics.CreateHistogram(
        "workqueue_work_duration_seconds", "How long the work on a key took.", ["name"], new HistogramConfiguration { Buckets = Seconds });

    /// <summary>Sum of how long the keys in work have been in work.</summary>
    public static readonly Gauge UnfinishedSeconds = Metrics.CreateGauge(
        "workqueue_unfinished_work_seconds", "Sum of the ages of work that is not finished.", "name");

    /// <summary>How long the key has been in work that has been there longest.</summary>
    public static readonly Gauge LongestRunningSeconds = Metrics.CreateGauge(
        "workqueue_longest_running_processor_seconds", "Age of the oldest work that is not finished.", "name");

    /// <summary>Keys added again with a delay that grows.</summary>
    public static readonly Counter QueueRetries = Metrics.CreateCounter("workqueue_retries_total", "Keys added again after a failure.", "name");

    /// <summary>1 while this process leads.</summary>
    public static readonly Gauge IsLeader = Metrics.CreateGauge("leader_election_master_status", "1 while this process leads.", "name");

    /// <summary>Requests to API servers. The code is <c>&lt;error&gt;</c> when there was no answer.</summary>
    public static readonly Counter Requests = Metrics.CreateCounter("rest_client_requests_total", "Requests to API servers.", "code", "method");

    /// <summary>Duration of requests to API servers; of a watch, until it was open.</summary>
    public static readonly Histogram RequestSeconds = Metrics.CreateHistogram(
        "rest_client_request_duration_seconds", "Duration of requests to API servers.", ["verb"], new HistogramConfiguration { Buckets = Seconds });

    /// <summary>Writes by verb, kind and outcome: <c>written</c>, <c>unchanged</c>, <c>conflict</c>, <c>refused</c>, <c>stale</c>, <c>failed</c>.</summary>
    public static readonly Counter Writes = Metrics.CreateCounter(
        "shortener_operator_writes_total", "Writes to API servers by outcome.", "verb", "kind", "outcome");

    /// <summary>Lists that an informer made, by kind.</summary>
    public static readonly Counter Lists = Metrics.CreateCounter("shortener_operator_informer_lists_total", "Lists made by informers.", "kind");

    /// <summary>Watches that ended, by kind and cause: <c>end</c>, <c>idle</c>, <c>gone</c>, <c>undecodable</c>, <c>not_served</c>, <c>error</c>.</summary>
    public static readonly Counter WatchEnds = Metrics.CreateCounter(
        "shortener_operator_informer_watch_ends_total", "Watches of informers that ended.", "kind", "cause");

    /// <summary>Objects in an informer's cache.</summary>
    public static readonly Gauge CachedObjects = Metrics.CreateGauge("shortener_operator_informer_objects", "Objects in an informer's cache.", "kind");

    /// <summary>Objects that could not be read; the cache keeps what it had of them.</summary>
    public static readonly Counter Undecodable = Metrics.CreateCounter(
        "shortener_operator_informer_undecodable_total", "Objects that informers could not read.", "kind");

    /// <summary>Events that were not written, by cause: <c>rate</c>, <c>queue</c>, <c>refused</c>, <c>failed</c>.</summary>
    public static readonly Counter EventsDropped = Metrics.CreateCounter(
        "shortener_operator_events_dropped_total", "Events that were not written.", "cause");

    /// <summary>Events written, new ones and further ones of a series.</summary>
    public static readonly Counter EventsWritten = Metrics.CreateCounter("shortener_operator_events_written_total", "Events written.");
}
