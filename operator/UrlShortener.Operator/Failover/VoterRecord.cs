namespace UrlShortener.Operator.Failover;

/// <summary>
/// What one API server holds of a group: its vote, in one object that is only written on the condition that it has not changed since it was read. Acceptor of
/// CASPaxos (Rystsov, "CASPaxos: Replicated State Machines without logs", 2018). Pure.
/// </summary>
/// <param name="Promised">No lower ballot is accepted any more.</param>
/// <param name="Ballot">The ballot of <paramref name="Value"/>.</param>
/// <param name="Value">The record that was accepted last; null: none yet.</param>
internal sealed record VoterRecord(Ballot Promised, Ballot Ballot, TopologyRecord? Value)
{
    /// <summary>A voter that has never voted.</summary>
    public static readonly VoterRecord Empty = new(Ballot.Zero, Ballot.Zero, null);

    /// <summary>The voter after it promised an attempt; null: it has promised the same or a higher one.</summary>
    /// <param name="ballot">Number of the attempt.</param>
    public VoterRecord? Promise(Ballot ballot) => ballot > Promised ? this with { Promised = ballot } : null;

    /// <summary>The voter after it accepted a record; null: it has promised a higher attempt.</summary>
    /// <param name="ballot">Number of the attempt.</param>
    /// <param name="value">The record.</param>
    public VoterRecord? Accept(Ballot ballot, TopologyRecord value) => ballot >= Promised ? new VoterRecord(ballot, ballot, value) : null;

    /// <inheritdoc />
    public override string ToString() => $"promised {Promised}, accepted {Ballot}: {Value}";
}
