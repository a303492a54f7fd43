namespace UrlShortener.Operator.Failover;

/// <summary>
/// Voters that have lost their record: somebody deleted it, or the API server was restored from a backup. Such a voter has forgotten what it promised and
/// accepted, so it does not vote until it has been given a record that a quorum of the others has chosen, and attempts that it took part in are over. Pure.
/// </summary>
internal static class LostVoters
{
    /// <summary>
    /// How long a record must have been away, by the clock of the operator that gives it back. Above <see cref="AgreementRound.Life"/>, so that no attempt goes on
    /// that counts on a forgotten promise.
    /// </summary>
    public static readonly TimeSpan ReturnTime = TimeSpan.FromSeconds(60);

    /// <summary>The record for a voter that lost its own; null: not yet.</summary>
    /// <param name="round">An attempt that has succeeded without the voter.</param>
    /// <param name="voter">Name of the voter.</param>
    /// <param name="missingFor">How long it has been seen without a record, without interruption.</param>
    public static VoterRecord? Return(AgreementRound round, string voter, TimeSpan missingFor) =>
        round.IsChosen && round.Missing.Contains(voter) && missingFor >= ReturnTime ? new VoterRecord(round.Ballot, round.Ballot, round.Proposed) : null;
}
