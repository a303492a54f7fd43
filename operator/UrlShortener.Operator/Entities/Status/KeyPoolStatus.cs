using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>Observed state of a key pool. Numbers are rounded, so that not every reconcile writes.</summary>
internal sealed record KeyPoolStatus
{
    /// <summary>Generation of the specification that this status describes.</summary>
    [Description("Generation of the specification that this status describes.")]
    public long? ObservedGeneration { get; init; }

    /// <summary>Keys in the pool.</summary>
    [Description("Number of unused keys in the pool, rounded to two significant digits.")]
    public long? Available { get; init; }

    /// <summary>Percent of the target.</summary>
    [Description("Unused keys in percent of targetAvailable.")]
    public int? FillPercent { get; init; }

    /// <summary>Percent of all possible codes.</summary>
    [Description("Codes ever claimed, in percent of all possible codes.")]
    public int? KeyspaceUsedPercent { get; init; }

    /// <summary>Keys per minute.</summary>
    [Description("Number of keys taken per minute, rounded to two significant digits.")]
    public long? ConsumptionPerMinute { get; init; }

    /// <summary>Null: the level does not fall.</summary>
    [Description("Time at which the pool becomes empty at the current consumption without a refill. Absent while the level does not fall.")]
    public DateTime? EstimatedExhaustion { get; init; }

    /// <summary>The current epoch.</summary>
    [Description("Current epoch. The app discards keys of older epochs.")]
    public long? Epoch { get; init; }

    /// <summary>State of the refill.</summary>
    [Description("State of the refill.")]
    public RefillStatus? Refill { get; init; }

    /// <summary>The workers.</summary>
    [Description("Workers of the key generation service.")]
    public KgsStatus? Kgs { get; init; }

    /// <summary>For the scale subresource.</summary>
    [Description("Label selector of the workers' pods, for the scale subresource.")]
    [Length(0, 1024)]
    public string? Selector { get; init; }

    /// <summary>Conditions by type.</summary>
    [Description("Conditions. Ready summarizes the others.")]
    [Length(0, 24)]
    [ListMap("type")]
    public IReadOnlyList<V1Condition>? Conditions { get; init; }
}
