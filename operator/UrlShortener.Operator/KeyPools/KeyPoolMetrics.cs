using System.Collections.Concurrent;
using Prometheus;
using UrlShortener.Contracts;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.KeyPools;

/// <summary>
/// Metrics of pools, removed with the pool. Those that a worker reports keep their last value while none answers, and the time of the last answer says how old
/// they are. The label is called <c>object_namespace</c>: scrapes of pods overwrite <c>namespace</c>.
/// </summary>
internal static class KeyPoolMetrics
{
    private static readonly string[] Names = ["object_namespace", "name", "region"];
    private static readonly Gauge Available = Metrics.CreateGauge("shortener_keypool_available", "Unused keys in the pool.", Names);
    private static readonly Gauge Target = Metrics.CreateGauge("shortener_keypool_target", "Number of keys to fill the pool to.", Names);
    private static readonly Gauge LowWatermark = Metrics.CreateGauge("shortener_keypool_low_watermark", "Fewer keys are a low pool.", Names);
    private static readonly Gauge CriticalWatermark = Metrics.CreateGauge("shortener_keypool_critical_watermark", "Fewer keys are a critical pool.", Names);
    private static readonly Gauge Consumption = Metrics.CreateGauge(
        "shortener_keypool_consumption_per_second",
        "Keys taken per second over the last minute.",
        Names
    );
    private static readonly Gauge Exhaustion = Metrics.CreateGauge(
        "shortener_keypool_seconds_to_exhaustion",
        "Seconds until the pool is empty; +Inf while the level does not fall.",
        Names
    );
    private static readonly Gauge Epoch = Metrics.CreateGauge("shortener_keypool_epoch", "Current epoch.", Names);
    private static readonly Gauge Workers = Metrics.CreateGauge("shortener_keypool_workers", "Ready workers.", Names);
    private static readonly Gauge Stalled = Metrics.CreateGauge(
        "shortener_keypool_stalled",
        "1 while the operator cannot continue until someone fixes the cause.",
        Names
    );
    private static readonly Gauge LastAnswer = Metrics.CreateGauge(
        "shortener_keypool_last_answer_timestamp_seconds",
        "When a worker last reported the pool, in Unix seconds.",
        Names
    );

    private static readonly Gauge[] All = [Available, Target, LowWatermark, CriticalWatermark, Consumption, Exhaustion, Epoch, Workers, Stalled, LastAnswer];

    // The labels of a pool. Its region becomes known only after the pool.
    private static readonly ConcurrentDictionary<(string Namespace, string Name), string[]> Labels = new();

    /// <summary>Sets the metrics of a pool.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="region">Name of its region, as the region's processes report it.</param>
    /// <param name="reading">The answer of a worker; null: none.</param>
    /// <param name="status">Status of the pool.</param>
    /// <param name="now">The time.</param>
    public static void Set(V1Alpha1KeyPool pool, string region, KeyGenerationStatus? reading, KeyPoolStatus status, DateTimeOffset now)
    {
        if (Labels.TryGetValue(KeyOf(pool), out var former) && former[^1] != region)
            Remove(pool);
        var labels = Labels.GetOrAdd(KeyOf(pool), key => [key.Namespace, key.Name, region]);
        Target.WithLabels(labels).Set(pool.Spec.TargetAvailable);
        LowWatermark.WithLabels(labels).Set(pool.Spec.LowWatermark);
        CriticalWatermark.WithLabels(labels).Set(pool.Spec.CriticalWatermark);
        Stalled.WithLabels(labels).Set(ConditionEvents.IsTrue(status.Conditions, ConditionTypes.Stalled) ? 1 : 0);
        Workers.WithLabels(labels).Set(status.Kgs?.ReadyReplicas ?? 0);
        if (reading?.Level is not { } level)
            return;
        Available.WithLabels(labels).Set(level);
        Consumption.WithLabels(labels).Set(reading.ConsumedPerSecond);
        Exhaustion.WithLabels(labels).Set(reading.SecondsToExhaustion ?? double.PositiveInfinity);
        Epoch.WithLabels(labels).Set(reading.Epoch);
        LastAnswer.WithLabels(labels).Set(now.ToUnixTimeMilliseconds() / 1000.0);
    }

    /// <summary>Removes the metrics of a pool.</summary>
    public static void Remove(V1Alpha1KeyPool pool)
    {
        if (!Labels.TryRemove(KeyOf(pool), out var labels))
            return;
        foreach (var gauge in All)
            gauge.RemoveLabelled(labels);
    }

    private static (string Namespace, string Name) KeyOf(V1Alpha1KeyPool pool) => (pool.Metadata.NamespaceProperty, pool.Metadata.Name);
}
