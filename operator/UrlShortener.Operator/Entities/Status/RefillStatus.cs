using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>State of filling a pool.</summary>
internal sealed record RefillStatus
{
    /// <summary>What the workers do.</summary>
    [Description("Idle, Running, Throttled by maxCodesPerSecond, Failing, or Paused.")]
    [Length(0, 32)]
    public string? State { get; init; }

    /// <summary>When the last batch came in.</summary>
    [Description("Time at which the last batch came into the pool.")]
    public DateTime? LastBatchTime { get; init; }

    /// <summary>Codes.</summary>
    [Description("Codes of the last batch.")]
    public int? LastBatchSize { get; init; }

    /// <summary>Codes; null: never yet.</summary>
    [Description("Target that the pool was last seen filled to. While it is another than targetAvailable, the pool is filled whatever its level.")]
    public int? FilledTo { get; init; }

    /// <summary>Null: it works.</summary>
    [Description("Why filling fails. Absent: it does not.")]
    [Length(0, 1024)]
    public string? LastError { get; init; }
}
