namespace UrlShortener.Operator.Failover;

/// <summary>
/// What can be learned from reading the voters, without an attempt. A record that a quorum holds under one ballot is chosen. Whether it still is the latest one
/// cannot be known; but no later one was chosen before the first of the reads began, because then a voter of this quorum would have shown it. Pure.
/// </summary>
/// <param name="Ballot">Ballot of the record.</param>
/// <param name="Value">The record.</param>
internal sealed record ChosenRecord(Ballot Ballot, TopologyRecord Value)
{
    /// <summary>Finds the chosen record; null: too few voters were read, or they hold different ones.</summary>
    /// <param name="reads">The voters that were read, by name.</param>
    public static ChosenRecord? Find(IReadOnlyDictionary<string, VoterRecord> reads) =>
        Believable(reads)
            // Two records under one ballot are what somebody has written; together they are no quorum.
            .GroupBy(read => (read.Value.Ballot, Value: read.Value.Value!))
            .OrderByDescending(same => same.Key.Ballot)
            .Where(same => same.Key.Value.Voters.IsQuorum([.. same.Select(read => read.Key)]))
            .Select(same => new ChosenRecord(same.Key.Ballot, same.Key.Value))
            .FirstOrDefault();

    /// <summary>
    /// The record that an attempt starts from, with its ballot; null: nobody has accepted one. The chosen one, if the voters that have promised the attempt show which it
    /// is: nothing that one of the others has accepted since can be chosen any more, because these refuse it. So a record that somebody has written into a single
    /// vote is not taken over while the others agree. Otherwise it is the one with the highest ballot, which may have been chosen.
    /// </summary>
    /// <param name="promises">The voters that have promised it, by name.</param>
    public static ChosenRecord? FindLatest(IReadOnlyDictionary<string, VoterRecord> promises) =>
        Find(promises) ?? Believable(promises).Select(read => new ChosenRecord(read.Value.Ballot, read.Value.Value!)).MaxBy(latest => latest.Ballot);

    /// <summary>Whether all of its voters that have a record hold this one.</summary>
    /// <param name="reads">The voters that were read, by name.</param>
    public bool IsHeldByAll(IReadOnlyDictionary<string, VoterRecord> reads) =>
        Value.Voters.All.All(voter => !reads.TryGetValue(voter, out var held) || (held.Ballot, held.Value) == (Ballot, Value));

    private static IEnumerable<KeyValuePair<string, VoterRecord>> Believable(IReadOnlyDictionary<string, VoterRecord> reads)
    {
        var names = reads.Where(read => read.Value.Value is not null).Select(read => read.Key).ToList();
        return reads.Where(read => read.Value.Value?.Voters.AreThoseOf(names) == true);
    }

    /// <inheritdoc />
    public override string ToString() => $"{Ballot}: {Value}";
}
