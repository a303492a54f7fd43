namespace UrlShortener.Operator.Failover;

/// <summary>
/// Voters that have lost their record: somebody deleted it, or the API server was restored from a backup. Such a voter has forgotten what it promised and
/// accepted, so it does not vote until it has been given what the others know, and attempts that it took part in are over. Pure.
/// </summary>
internal static class LostVoters
{
    /// <summary>
    /// How long a record must have been away, by the clock of the operator that gives it back. Above <see cref="AgreementRound.Life"/>, so that no attempt goes on
    /// that counts on a forgotten promise.
    /// </summary>
    public static readonly TimeSpan ReturnTime = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The record for a voter that lost its own; null: not yet. Those that answer must include a voter of every quorum: then they know everything that was chosen.
    /// What they have accepted last may not be chosen yet; the voter that gets it may complete that, as any attempt would.
    /// </summary>
    /// <param name="reads">The voters that have a record, by name.</param>
    /// <param name="voter">Name of the voter.</param>
    /// <param name="missingFor">How long it has been seen without a record, without interruption.</param>
    public static VoterRecord? Return(IReadOnlyDictionary<string, VoterRecord> reads, string voter, TimeSpan missingFor)
    {
        if (missingFor < ReturnTime || reads.Values.Where(read => read.Value is not null).MaxBy(read => read.Ballot) is not { Value: { } value } latest)
            return null;
        var away = value.Voters.All.Where(name => !reads.ContainsKey(name)).ToList();
        return away.Contains(voter, StringComparer.Ordinal) && !value.Voters.IsQuorum(away)
            ? new VoterRecord(reads.Values.Max(read => read.Promised), latest.Ballot, value)
            : null;
    }
}
