using Prometheus;

namespace UrlShortener.Runtime.Keys;

/// <summary>Metrics of the codes that a process keeps at hand.</summary>
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
}
