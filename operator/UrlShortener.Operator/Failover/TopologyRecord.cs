namespace UrlShortener.Operator.Failover;

/// <summary>
/// What the regions of a group agree on: who may write. Every change is chosen by a quorum of the voters (<see cref="AgreementRound"/>), as a function of the
/// record before it.
/// </summary>
internal sealed record TopologyRecord
{
    /// <summary>Number of the decision about the write role. A move opens a new one when it begins; epochs only rise.</summary>
    public required long Epoch { get; init; }

    /// <summary>Where the group stands.</summary>
    public required TopologyPhase Phase { get; init; }

    /// <summary>The region that has the write role; in <see cref="TopologyPhase.Fencing"/>, the one that is to get it.</summary>
    public required string Region { get; init; }

    /// <summary>The region that had the role before; null: the group had none.</summary>
    public string? Former { get; init; }

    /// <summary>
    /// The region that had the role until the operators moved it away, because it was lost or drained; null: a person decided which region has it. It may get the
    /// role back by itself (<c>spec.failover.failback</c>).
    /// </summary>
    public string? Home { get; init; }

    /// <summary>Whether somebody asked for the move, so that it loses nothing or does not happen.</summary>
    public bool IsPlanned { get; init; }

    /// <summary>
    /// Whether guards hold the write lease of the region that has the role. Without them the end of the lease proves nothing, and only a person can move the role
    /// away from a region that does not answer.
    /// </summary>
    public bool IsGuarded { get; init; }

    /// <summary>The API servers that vote.</summary>
    public required Voters Voters { get; init; }

    /// <summary>Times of the last automatic moves, in seconds since 1970, oldest first, for the limits of <see cref="MoveLimits"/>.</summary>
    public IReadOnlyList<long> AutomaticMoves { get; init; } = [];

    /// <summary>When the last move was decided, in milliseconds since 1970; 0: there was none.</summary>
    public long MovedAt { get; init; }

    /// <summary>Milliseconds from the decision about the last move until the new region wrote; null: there was none, or it has not ended.</summary>
    public long? TookMillis { get; init; }

    /// <summary>Why the region has the role, for people.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Whether a region may write.</summary>
    /// <param name="region">Name of the region.</param>
    public bool Allows(string region) => Phase != TopologyPhase.Fencing && Region == region;

    /// <inheritdoc />
    public bool Equals(TopologyRecord? other) =>
        other is not null
        && (Epoch, Phase, Region, Former, IsPlanned, IsGuarded) == (other.Epoch, other.Phase, other.Region, other.Former, other.IsPlanned, other.IsGuarded)
        && (Home, MovedAt, TookMillis, Reason) == (other.Home, other.MovedAt, other.TookMillis, other.Reason)
        && Voters == other.Voters
        && AutomaticMoves.SequenceEqual(other.AutomaticMoves);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Epoch, Phase, Region, Former);

    /// <inheritdoc />
    public override string ToString() => $"epoch {Epoch}, {Phase} {Region}{(Former is null ? "" : $" from {Former}")}";
}
