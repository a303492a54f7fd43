using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Desired state of a key pool.</summary>
[Rule("self.criticalWatermark < self.lowWatermark", "criticalWatermark must be below lowWatermark")]
[Rule("self.lowWatermark < self.targetAvailable", "lowWatermark must be below targetAvailable")]
[Rule(
    "self.batchSize <= self.targetAvailable - self.lowWatermark",
    "batchSize must be at most targetAvailable - lowWatermark, or one batch overshoots the target"
)]
[Rule("self.leaseBlockSize <= self.criticalWatermark", "leaseBlockSize must be at most criticalWatermark, or one pod may take the last keys")]
internal sealed record KeyPoolSpec
{
    /// <summary>Region that owns the pool.</summary>
    [Description("ShortenerRegion that owns the pool, in the same namespace. Cannot be changed.")]
    [Required]
    [Rule("self.name == oldSelf.name", "regionRef cannot be changed; create a new KeyPool instead")]
    public ObjectName RegionRef { get; init; } = new();

    /// <summary>Whether the operator leaves the pool alone.</summary>
    [Description("true: the operator changes nothing and sends no commands; it only updates the status. Running workers keep filling the pool.")]
    public bool Suspend { get; init; }

    /// <summary>Keys; <c>kubectl scale</c> sets it.</summary>
    [Description("Number of unused keys that the workers fill the pool to. kubectl scale sets this field. Above lowWatermark.")]
    [Range(1_000, 2_000_000_000)]
    public int TargetAvailable { get; init; } = 1_000_000;

    /// <summary>Keys.</summary>
    [Description("Workers start to refill the pool below this level. Below targetAvailable.")]
    [Range(1, 2_000_000_000)]
    public int LowWatermark { get; init; } = 400_000;

    /// <summary>Keys.</summary>
    [Description("Below this level workers ignore maxCodesPerSecond, and the operator runs kgs.maxReplicas workers. Below lowWatermark.")]
    [Range(1, 2_000_000_000)]
    public int CriticalWatermark { get; init; } = 100_000;

    /// <summary>Keys.</summary>
    [Description("Number of keys that a worker claims in one statement. At most targetAvailable - lowWatermark.")]
    [Range(100, 100_000)]
    public int BatchSize { get; init; } = 10_000;

    /// <summary>Batches of one worker.</summary>
    [Description("Number of batches that each worker runs in parallel.")]
    [Range(1, 16)]
    public int MaxParallelBatches { get; init; } = 2;

    /// <summary>Keys per second of one worker.</summary>
    [Description("Maximum number of keys that each worker creates per second while the pool is above criticalWatermark. Limits the load on PostgreSQL.")]
    [Range(100, 1_000_000)]
    public int MaxCodesPerSecond { get; init; } = 20_000;

    /// <summary>Keys that an app pod takes at a time.</summary>
    [Description("Number of keys that a pod of the app takes into its memory at a time. At most criticalWatermark.")]
    [Range(1, 10_000)]
    public int LeaseBlockSize { get; init; } = 1_000;

    /// <summary>The workers.</summary>
    [Description("Workers of the key generation service. They use the scheduling fields, pull secrets and settings of the region's app.")]
    public KgsSpec Kgs { get; init; } = new();
}
