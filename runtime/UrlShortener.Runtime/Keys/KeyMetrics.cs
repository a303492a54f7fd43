using Prometheus;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Keys;

/// <summary>Metrics of the key pools and of key generation.</summary>
internal static class KeyMetrics
{
    /// <summary>Unused codes in the pool of this process.</summary>
    public static readonly Gauge PoolLevel = Metrics.CreateGauge("shortener_key_pool_level", "Unused short codes at hand.");

    /// <summary>Codes generated and claimed ahead of demand.</summary>
    public static readonly Counter Generated = Metrics.CreateCounter("shortener_keys_generated_total", "Short codes generated ahead of demand.");

    /// <summary>Codes that were not used because a newer epoch was opened.</summary>
    public static readonly Counter Discarded = Metrics.CreateCounter("shortener_keys_discarded_total", "Short codes discarded because their epoch was closed.");

    /// <summary>Codes made on demand because the pool was empty.</summary>
    public static readonly Counter OnDemand = Metrics.CreateCounter("shortener_keys_on_demand_total", "Short codes generated because the pool was empty.");

    /// <summary>Codes in the region's shared pool.</summary>
    public static readonly Gauge RegionLevel = Metrics.CreateGauge("shortener_kgs_pool_keys", "Unused short codes in the region's shared pool.", "region");

    /// <summary>Codes that the key generation service of this process generated and claimed.</summary>
    public static readonly Counter GeneratedForRegion = Metrics.CreateCounter(
        "shortener_kgs_keys_generated_total",
        "Short codes generated and claimed for the region's shared pool."
    );

    /// <summary>The epoch in force. A process without the service does not report it: a 0 would look like an epoch.</summary>
    public static readonly Gauge RegionEpoch = Metrics.CreateGauge(
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

    /// <summary>Failed steps of the service, by step.</summary>
    public static readonly Counter GenerationFailures = Metrics.CreateCounter("shortener_kgs_failures_total", "Failed steps of key generation.", "step");

    /// <summary>Time until the region's pool is empty. A process without the service does not report it: a 0 would raise an alarm.</summary>
    public static readonly Gauge SecondsToExhaustion = Metrics.CreateGauge(
        "shortener_kgs_seconds_to_exhaustion",
        "Seconds until the region's shared pool is empty at the rate of the last minute; +Inf: it is not falling.",
        new GaugeConfiguration { SuppressInitialValue = true }
    );
}
