using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>A change of a shard's master.</summary>
internal sealed record RedisFailoverStatus
{
    /// <summary>The former master.</summary>
    [Description("Pod that was the master.")]
    [Length(0, 253)]
    public string? From { get; init; }

    /// <summary>The master.</summary>
    [Description("Pod that is the master since then.")]
    [Length(0, 253)]
    public string? To { get; init; }

    /// <summary>Who caused it.</summary>
    [Description(
        "Assisted: the operator had proof that the master had ended. Takeover: the operator did without a vote, because too few masters were left. Placement: "
            + "the operator moved it to another zone. Update: the operator is about to replace the pod of the former master. ScaleIn: the pod of the former master is "
            + "no longer asked for. Native: the nodes did it, also when a pod that is about to end hands over."
    )]
    [Length(0, 32)]
    public string? Cause { get; init; }

    /// <summary>When the operator saw it.</summary>
    [Description("Time of the change.")]
    public DateTime? At { get; init; }

    /// <summary>How long it took; null: not known.</summary>
    [Description("Milliseconds from the moment in which the operator found the former master away until the change. Absent: not known.")]
    public int? DurationMillis { get; init; }
}
