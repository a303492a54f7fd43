using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>What a key pool is to be.</summary>
[Rule("self.criticalWatermark < self.lowWatermark", "criticalWatermark must be below lowWatermark")]
[Rule("self.lowWatermark < self.targetAvailable", "lowWatermark must be below targetAvailable")]
[Rule("self.batchSize <= self.targetAvailable - self.lowWatermark", "batchSize must be at most targetAvailable - lowWatermark, or one batch overshoots the target")]
[Rule("self.leaseBlockSize <= self.criticalWatermark", "leaseBlockSize must be at most criticalWatermark, or one pod may take the last codes")]
internal sealed record KeyPoolSpec
{
    /// <summary>The region whose pool it is.</summary>
    [Description("ShortenerRegion in the same namespace whose pool this is. Cannot be changed.")]
    [Required]
    [Rule("self.name == oldSelf.name", "regionRef cannot be changed; make a new KeyPool instead")]
    public ObjectName RegionRef { get; init; } = new();

    /// <summary>Whether the operator leaves the pool alone.</summary>
    [Description("Whether the operator leaves the pool and its workers alone. Workers that run go on by themselves.")]
    public bool Suspend { get; init; }

    /// <summary>Codes; what <c>kubectl scale</c> sets.</summary>
    [Description("Unused codes that the pool is filled to. This is what kubectl scale sets. Above lowWatermark.")]
    [Range(1_000, 2_000_000_000)]
    public int TargetAvailable { get; init; } = 1_000_000;

    /// <summary>Codes.</summary>
    [Description("Level below which the pool is filled again. Below targetAvailable.")]
    [Range(1, 2_000_000_000)]
    public int LowWatermark { get; init; } = 400_000;

    /// <summary>Codes.</summary>
    [Description("Level below which the pool is filled without regard to maxCodesPerSecond and by more workers. Below lowWatermark.")]
    [Range(1, 2_000_000_000)]
    public int CriticalWatermark { get; init; } = 100_000;

    /// <summary>Codes.</summary>
    [Description("Codes that a worker claims in one statement. At most targetAvailable - lowWatermark.")]
    [Range(100, 100_000)]
    public int BatchSize { get; init; } = 10_000;

    /// <summary>Batches of one worker.</summary>
    [Description("Batches that each worker has under way at the same time.")]
    [Range(1, 16)]
    public int MaxParallelBatches { get; init; } = 2;

    /// <summary>Codes per second of one worker.</summary>
    [Description("Most codes that each worker makes in a second while the pool is above criticalWatermark, to leave PostgreSQL to others.")]
    [Range(100, 1_000_000)]
    public int MaxCodesPerSecond { get; init; } = 20_000;

    /// <summary>Codes that an app pod takes at a time.</summary>
    [Description("Codes that a pod of the app takes into its memory at a time. At most criticalWatermark.")]
    [Range(1, 10_000)]
    public int LeaseBlockSize { get; init; } = 1_000;

    /// <summary>What becomes of unused codes when a new epoch opens.</summary>
    [Description("What becomes of unused codes after a failover that may have lost writes. DiscardLeased: they are never used, so that no code goes to two links.")]
    [OneOf("DiscardLeased")]
    public string EpochPolicy { get; init; } = "DiscardLeased";

    /// <summary>The workers.</summary>
    [Description("The workers of the key generation service. Image, nodes and settings are those of the region's app unless told here.")]
    public KgsSpec Kgs { get; init; } = new();
}
