using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>What the regions of a group have agreed on about the primary role, as this region knows it.</summary>
internal sealed record FailoverStatus
{
    /// <summary>Number of the decision.</summary>
    [Description("Number of the decision about the primary role. Each move opens a new one when it begins.")]
    [Required]
    [Range(0, 2_000_000_000)]
    public long Epoch { get; init; }

    /// <summary>One of <see cref="FailoverPhase"/>.</summary>
    [Description(
        "Stable: the region takes changes. Fencing: no region does, until the former one is known to be read-only. Promoting: the region may take changes, and has not said yet that it does."
    )]
    [Required]
    [OneOf(FailoverPhase.Stable, FailoverPhase.Fencing, FailoverPhase.Promoting)]
    public string Phase { get; init; } = FailoverPhase.Stable;

    /// <summary>The region that has the role, or is to get it.</summary>
    [Description("Region that has the primary role; while it is Fencing, the one that is to get it.")]
    [Required]
    [Length(1, 63)]
    public string Region { get; init; } = "";

    /// <summary>The region that had the role before; null: none.</summary>
    [Description("Region that had the role before the last move.")]
    [Length(0, 63)]
    public string? Former { get; init; }

    /// <summary>Whether the right to write ends by itself.</summary>
    [Description(
        "Whether the primary region's database becomes read-only by itself when it no longer reaches most votes, so that the role can move without an answer of that region."
    )]
    public bool? Guarded { get; init; }

    /// <summary>When the last move was decided; null: there was none.</summary>
    [Description("Time at which the last move of the role was decided.")]
    public DateTime? MovedAt { get; init; }

    /// <summary>Milliseconds; null: there was no move, or it has not ended.</summary>
    [Description("Milliseconds from that decision until the new primary region took changes.")]
    [Range(0, 2_000_000_000)]
    public long? TookMillis { get; init; }

    /// <summary>Bytes, rounded up to a mebibyte; null: not known, or another region of the group has it.</summary>
    [Description(
        "End of the primary region's write-ahead log when it was last seen, as a position in bytes, rounded up to a mebibyte. While that region cannot be asked, what others lack is counted from it. One region of the group has it."
    )]
    public long? LogEnd { get; init; }

    /// <summary>Why.</summary>
    [Description("Why the region has the role.")]
    [Length(0, 256)]
    public string? Reason { get; init; }

    /// <summary>Why nothing happens; null: nothing is amiss.</summary>
    [Description("Why the role does not move although something is amiss.")]
    [Length(0, 512)]
    public string? Waits { get; init; }
}

/// <summary>Values of <see cref="FailoverStatus.Phase"/>.</summary>
internal static class FailoverPhase
{
    /// <summary>The region takes changes.</summary>
    public const string Stable = nameof(Stable);

    /// <summary>No region does.</summary>
    public const string Fencing = nameof(Fencing);

    /// <summary>The region may.</summary>
    public const string Promoting = nameof(Promoting);
}
