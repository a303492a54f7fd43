using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>What the operator found in a key pool. Numbers are rounded, so that not every look is a write.</summary>
internal sealed record KeyPoolStatus
{
    /// <summary>Generation of the specification that this status is about.</summary>
    [Description("Generation of the specification that this status is about.")]
    public long? ObservedGeneration { get; init; }

    /// <summary>Codes in the pool.</summary>
    [Description("Unused codes in the pool, rounded to two digits.")]
    public long? Available { get; init; }

    /// <summary>Percent of the target.</summary>
    [Description("Unused codes in percent of the target.")]
    public int? FillPercent { get; init; }

    /// <summary>Percent of all codes there are.</summary>
    [Description("Codes ever issued, in percent of all that there are.")]
    public int? KeyspaceUsedPercent { get; init; }

    /// <summary>Codes.</summary>
    [Description("Codes taken per minute, rounded to two digits.")]
    public long? ConsumptionPerMinute { get; init; }

    /// <summary>Null: the pool does not fall.</summary>
    [Description("Time at which the pool would be empty without a refill. Absent: it does not fall.")]
    public DateTime? EstimatedExhaustion { get; init; }

    /// <summary>The epoch in force.</summary>
    [Description("Epoch of the codes in the pool; codes of older ones are never issued.")]
    public long? Epoch { get; init; }

    /// <summary>Filling.</summary>
    [Description("State of filling.")]
    public RefillStatus? Refill { get; init; }

    /// <summary>The workers.</summary>
    [Description("Workers of the key generation service.")]
    public KgsStatus? Kgs { get; init; }

    /// <summary>For the scale subresource.</summary>
    [Description("Selector of the workers' pods, as text.")]
    [Length(0, 1024)]
    public string? Selector { get; init; }

    /// <summary>Conditions by type.</summary>
    [Description("Conditions: Ready first of all, then what it is made of.")]
    [Length(0, 24)]
    [ListMap("type")]
    public IReadOnlyList<V1Condition>? Conditions { get; init; }
}
