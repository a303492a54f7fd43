using Prometheus;

namespace UrlShortener.Runtime.Regions;

/// <summary>Whether the region takes changes, and how far it is behind the one that does.</summary>
internal static class RegionMetrics
{
    private static readonly Gauge ReadOnly = Metrics.CreateGauge("shortener_read_only", "1 while the region takes no changes, by reason.", "reason");
    private static readonly Gauge.Child Standby = ReadOnly.WithLabels("standby");
    private static readonly Gauge.Child Fenced = ReadOnly.WithLabels("fenced");

    private static readonly Gauge Age = Metrics.CreateGauge(
        "shortener_write_region_age_seconds",
        "Age of the last sign of life of the writing region that has reached this standby region.",
        new GaugeConfiguration { SuppressInitialValue = true }
    );

    /// <summary>Reports a state.</summary>
    /// <param name="readOnly">Null: the region takes changes.</param>
    public static void Report(ReadOnlyRegion? readOnly)
    {
        Standby.Set(readOnly is { Reason: ReadOnlyReason.Standby } ? 1 : 0);
        Fenced.Set(readOnly is { Reason: ReadOnlyReason.Fenced } ? 1 : 0);
        if (readOnly is { Reason: ReadOnlyReason.Standby, Age: var age })
            Age.Set(age.TotalSeconds);
        else
            Age.Unpublish();
    }

    /// <summary>The database was not asked for too long: an old age would say that all is well.</summary>
    public static void Forget() => Age.Unpublish();
}
