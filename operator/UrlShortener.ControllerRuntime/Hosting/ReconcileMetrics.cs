using Prometheus;
using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>Metrics of controllers, under the names of Go's controller-runtime, so that its dashboards work.</summary>
internal static class ReconcileMetrics
{
    /// <summary>Reconciles by controller and result: <c>success</c>, <c>error</c>, <c>requeue</c>, <c>requeue_after</c>.</summary>
    public static readonly Counter Reconciles = Metrics.CreateCounter("controller_runtime_reconcile_total", "Reconciles.", "controller", "result");

    /// <summary>Reconciles that failed.</summary>
    public static readonly Counter Errors = Metrics.CreateCounter("controller_runtime_reconcile_errors_total", "Failed reconciles.", "controller");

    /// <summary>Reconciles that ended with an unexpected exception: bugs.</summary>
    public static readonly Counter Panics = Metrics.CreateCounter(
        "controller_runtime_reconcile_panics_total",
        "Reconciles that ended with an unexpected exception.",
        "controller"
    );

    /// <summary>Reconciles that timed out.</summary>
    public static readonly Counter Timeouts = Metrics.CreateCounter("controller_runtime_reconcile_timeouts_total", "Reconciles that timed out.", "controller");

    /// <summary>Duration of a reconcile.</summary>
    public static readonly Histogram Seconds = Metrics.CreateHistogram(
        "controller_runtime_reconcile_time_seconds",
        "Duration of a reconcile.",
        ["controller"],
        new HistogramConfiguration { Buckets = DurationBuckets.Seconds }
    );

    /// <summary>Running reconciles.</summary>
    public static readonly Gauge ActiveWorkers = Metrics.CreateGauge("controller_runtime_active_workers", "Running reconciles.", "controller");

    /// <summary>Maximum number of concurrent reconciles.</summary>
    public static readonly Gauge MaxConcurrentReconciles = Metrics.CreateGauge(
        "controller_runtime_max_concurrent_reconciles",
        "Maximum number of concurrent reconciles.",
        "controller"
    );

    /// <summary>Creates the series of a controller, so that a rate sees their first change.</summary>
    public static void Prepare(string controller, int workers)
    {
        foreach (var result in ReconcileOutcome.Results)
            Reconciles.WithLabels(controller, result);
        foreach (var counter in new[] { Errors, Panics, Timeouts })
            counter.WithLabels(controller);
        Seconds.WithLabels(controller);
        ActiveWorkers.WithLabels(controller);
        MaxConcurrentReconciles.WithLabels(controller).Set(workers);
    }
}
