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
        reads
            .Where(read => read.Value.Value is not null)
            .GroupBy(read => read.Value.Ballot)
            .OrderByDescending(same => same.Key)
            .Select(same => (Ballot: same.Key, same.First().Value.Value, Names: same.Select(read => read.Key).ToList()))
            .Where(same => same.Value!.Voters.IsQuorum(same.Names))
            .Select(same => new ChosenRecord(same.Ballot, same.Value!))
            .FirstOrDefault();

    /// <inheritdoc />
    public override string ToString() => $"{Ballot}: {Value}";
}
