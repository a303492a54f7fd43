using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>State of the refill of a pool.</summary>
internal sealed record RefillStatus
{
    /// <summary>What the workers do.</summary>
    [Description("Idle, Running, Throttled (by maxCodesPerSecond), Failing, or Paused (the region takes no changes). Absent while no worker answers.")]
    [Length(0, 32)]
    public string? State { get; init; }

    /// <summary>When the last batch arrived.</summary>
    [Description("Time at which the last batch arrived in the pool.")]
    public DateTime? LastBatchTime { get; init; }

    /// <summary>Keys.</summary>
    [Description("Number of keys in the last batch.")]
    public int? LastBatchSize { get; init; }

    /// <summary>Keys; null: the pool was never full.</summary>
    [Description(
        "Value of targetAvailable to which the pool was last filled. While it differs from targetAvailable, the operator refills the pool at any level."
    )]
    public int? FilledTo { get; init; }

    /// <summary>Null: no error.</summary>
    [Description("Why the refill fails. Absent while it works.")]
    [Length(0, 1024)]
    public string? LastError { get; init; }
}
