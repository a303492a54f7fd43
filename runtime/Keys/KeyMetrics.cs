using Prometheus;

namespace UrlShortener.Runtime.Keys;

/// <summary>What the key pool reports.</summary>
internal static class KeyMetrics
{
    /// <summary>Unused codes at hand.</summary>
    public static readonly Gauge PoolLevel = Metrics.CreateGauge("shortener_key_pool_level", "Unused short codes at hand.");

    /// <summary>Codes generated and claimed ahead of demand.</summary>
    public static readonly Counter Generated = Metrics.CreateCounter("shortener_keys_generated_total", "Short codes generated ahead of demand.");

    /// <summary>Codes made because the pool was empty.</summary>
    public static readonly Counter OnDemand = Metrics.CreateCounter("shortener_keys_on_demand_total", "Short codes generated because the pool was empty.");
}
