using Prometheus;
using UrlShortener.Contracts;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.KeyPools;

/// <summary>Metrics of pools, removed with the pool. They keep their last value while no worker answers.</summary>
internal static class KeyPoolMetrics
{
    private static readonly string[] Names = ["namespace", "name", "region"];
    private static readonly Gauge Available = Metrics.CreateGauge("shortener_keypool_available", "Unused keys in the pool.", Names);
    private static readonly Gauge Target = Metrics.CreateGauge("shortener_keypool_target", "Number of keys to fill the pool to.", Names);
    private static readonly Gauge Consumption = Metrics.CreateGauge(
        "shortener_keypool_consumption_per_second",
        "Keys taken per second over the last minute.",
        Names
    );
    private static readonly Gauge Exhaustion = Metrics.CreateGauge(
        "shortener_keypool_seconds_to_exhaustion",
        "Seconds until the pool is empty; +Inf while " + "the level does not fall.",
        Names
    );
    private static readonly Gauge Epoch = Metrics.CreateGauge("shortener_keypool_epoch", "Current epoch.", Names);
    private static readonly Gauge Workers = Metrics.CreateGauge("shortener_keypool_workers", "Ready workers.", Names);

    /// <summary>Sets the metrics of a pool.</summary>
    public static void Set(V1Alpha1KeyPool pool, KeyGenerationStatus? reading, KeyPoolStatus status)
    {
        var labels = LabelsOf(pool);
        Target.WithLabels(labels).Set(pool.Spec.TargetAvailable);
        Workers.WithLabels(labels).Set(status.Kgs?.ReadyReplicas ?? 0);
        if (reading?.Level is not { } level)
            return;
        Available.WithLabels(labels).Set(level);
        Consumption.WithLabels(labels).Set(reading.ConsumedPerSecond);
        Exhaustion.WithLabels(labels).Set(reading.SecondsToExhaustion ?? double.PositiveInfinity);
        Epoch.WithLabels(labels).Set(reading.Epoch);
    }

    /// <summary>Removes the metrics of a pool.</summary>
    public static void Remove(V1Alpha1KeyPool pool)
    {
        var labels = LabelsOf(pool);
        foreach (var gauge in new[] { Available, Target, Consumption, Exhaustion, Epoch, Workers })
            gauge.RemoveLabelled(labels);
    }

    private static string[] LabelsOf(V1Alpha1KeyPool pool) => [pool.Metadata.NamespaceProperty, pool.Metadata.Name, pool.Spec.RegionRef.Name];
}
