using Prometheus;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>Metrics of the key generation service. A process without the service reports none of them: a level of 0 would raise an alarm.</summary>
internal static class KeyGenerationMetrics
{
    /// <summary>Codes in the region's shared pool; not reported until they were counted.</summary>
    public static readonly Gauge Level = Metrics.CreateGauge(
        "shortener_kgs_pool_keys",
        "Unused short codes in the region's shared pool.",
        new GaugeConfiguration { SuppressInitialValue = true }
    );

    /// <summary>Codes that the service of this process generated and claimed.</summary>
    public static readonly Counter Generated = Metrics.CreateCounter(
        "shortener_kgs_keys_generated_total",
        "Short codes generated and claimed for the region's shared pool."
    );

    /// <summary>The epoch in force; not reported until it is known.</summary>
    public static readonly Gauge Epoch = Metrics.CreateGauge(
        "shortener_kgs_epoch",
        "The epoch of short codes in force.",
        new GaugeConfiguration { SuppressInitialValue = true }
    );

    /// <summary>Time from the generation of a batch until it is marked.</summary>
    public static readonly Histogram BatchSeconds = Metrics.CreateHistogram(
        "shortener_kgs_batch_seconds",
        "Time to generate, claim, pool and mark a batch of short codes.",
        new HistogramConfiguration { Buckets = RuntimeMetrics.LatencyBuckets }
    );

    /// <summary>Batches that another worker claimed and did not finish.</summary>
    public static readonly Counter BatchesAdopted = Metrics.CreateCounter(
        "shortener_kgs_batches_adopted_total",
        "Unfinished batches of short codes taken over from workers that died."
    );

    /// <summary>Time until the region's pool is empty; not reported until it can be estimated.</summary>
    public static readonly Gauge SecondsToExhaustion = Metrics.CreateGauge(
        "shortener_kgs_seconds_to_exhaustion",
        "Seconds until the region's shared pool is empty at the rate of the last minute; +Inf: it is not falling.",
        new GaugeConfiguration { SuppressInitialValue = true }
    );

    private static readonly Counter Failures = Metrics.CreateCounter("shortener_kgs_failures_total", "Failed steps of key generation.", "step");
    private static readonly Dictionary<GenerationStep, Counter.Child> FailuresByStep = GenerationStep.All.ToDictionary(
        step => step,
        step => Failures.WithLabels(step.Name)
    );

    /// <summary>Counts a failed step.</summary>
    public static void CountFailure(GenerationStep step) => FailuresByStep[step].Inc();
}
