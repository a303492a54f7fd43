using Prometheus;

namespace UrlShortener.Runtime.Caching;

/// <summary>What the link cache reports.</summary>
internal static class CacheMetrics
{
    private static readonly Counter Lookups = Metrics.CreateCounter(
        "shortener_cache_lookups_total",
        "Lookups of a link by cache tier and result.",
        "tier",
        "result"
    );

    /// <summary>Found in memory.</summary>
    public static readonly Counter.Child Hit = Lookups.WithLabels("memory", "hit");

    /// <summary>Not in memory: the store was asked.</summary>
    public static readonly Counter.Child Miss = Lookups.WithLabels("memory", "miss");

    /// <summary>A state of the link was held in the shared tier.</summary>
    public static readonly Counter.Child SharedHit = Lookups.WithLabels("redis", "hit");

    /// <summary>None was held in the shared tier.</summary>
    public static readonly Counter.Child SharedMiss = Lookups.WithLabels("redis", "miss");

    /// <summary>The shared tier did not answer.</summary>
    public static readonly Counter.Child SharedFailed = Lookups.WithLabels("redis", "failed");

    private static readonly Counter Evictions = Metrics.CreateCounter(
        "shortener_cache_evictions_total",
        "Links that left a cache tier of this process to make room for others.",
        "tier"
    );

    private static readonly Counter.Child Evicted = Evictions.WithLabels("memory");

    private static Func<long>? EvictionCount;

    static CacheMetrics() => Metrics.DefaultRegistry.AddBeforeCollectCallback(() => Evicted.IncTo(Volatile.Read(ref EvictionCount)?.Invoke() ?? 0));

    /// <summary>Says how to count the evictions. The cache counts them anyway.</summary>
    public static void CountEvictionsBy(Func<long> count) => Volatile.Write(ref EvictionCount, count);

    /// <summary>Entries voided because their link changed.</summary>
    public static readonly Counter Invalidations = Metrics.CreateCounter("shortener_cache_invalidations_total", "Cache entries voided by a change.");
}
