using System.Collections.Immutable;

namespace UrlShortener.Operator.Failover;

/// <summary>
/// One attempt to read or change the topology record: a quorum promises the attempt and tells what it has accepted, then a quorum accepts the new record, which is
/// computed from the latest one. What a quorum has accepted is chosen: every later attempt starts from it or from one of its successors. Pure; the caller asks
/// the voters and gives up an attempt after <see cref="Life"/>.
/// </summary>
internal sealed record AgreementRound
{
    /// <summary>
    /// How long an attempt may take. A voter that lost its record gets one again only after <see cref="LostVoters.ReturnTime"/>, when no attempt counts on a
    /// promise that it has forgotten.
    /// </summary>
    public static readonly TimeSpan Life = TimeSpan.FromSeconds(10);

    /// <summary>Number of the attempt.</summary>
    public required Ballot Ballot { get; init; }

    /// <summary>The voters that have promised it, with what each held then.</summary>
    public ImmutableSortedDictionary<string, VoterRecord> Promises { get; init; } = ImmutableSortedDictionary<string, VoterRecord>.Empty;

    /// <summary>The voters that answered that they have no record.</summary>
    public ImmutableSortedSet<string> Missing { get; init; } = [];

    /// <summary>The voters that have accepted <see cref="Proposed"/>.</summary>
    public ImmutableSortedSet<string> AcceptedBy { get; init; } = [];

    /// <summary>The new record; null: the attempt still gathers promises.</summary>
    public TopologyRecord? Proposed { get; init; }

    /// <summary>The highest ballot that was met; above <see cref="Ballot"/>: a voter has refused the attempt.</summary>
    public Ballot Highest { get; init; }

    /// <summary>The voters that the caller knows; they only matter until a promise tells of a later record.</summary>
    public required Voters Known { get; init; }

    /// <summary>The latest record that the promises tell of, which the new one is computed from; null: there is none yet.</summary>
    public TopologyRecord? Latest => ChosenRecord.FindLatest(Promises)?.Value;

    /// <summary>The voters to ask for promises.</summary>
    public IEnumerable<string> Asked => (Latest?.Voters ?? Known).All;

    /// <summary>
    /// Whether the new record can be computed: a quorum has promised. For the first record of a group, all must have: a quorum of voters that nobody has
    /// recorded yet is only what one operator takes for one.
    /// </summary>
    public bool IsPrepared => Latest is { } latest ? latest.Voters.IsQuorum([.. Promises.Keys]) : Known.All.All(Promises.ContainsKey);

    /// <summary>
    /// The voters without a record to create one at: those of a group that has none anywhere. One that only lost its record stays out of the attempt, because it
    /// has forgotten what it promised (<see cref="LostVoters"/>).
    /// </summary>
    public IEnumerable<string> Creatable => Latest is null && Known.All.All(voter => Missing.Contains(voter) || Promises.ContainsKey(voter)) ? Missing : [];

    /// <summary>Whether <see cref="Proposed"/> is the record of the group.</summary>
    public bool IsChosen => Proposed is not null && Proposed.Voters.IsQuorum(AcceptedBy);

    /// <summary>Starts an attempt.</summary>
    /// <param name="ballot">Its number, above all that the proposer has met.</param>
    /// <param name="known">The voters as the proposer knows them.</param>
    public static AgreementRound Start(Ballot ballot, Voters known) =>
        new()
        {
            Ballot = ballot,
            Highest = ballot,
            Known = known,
        };

    /// <summary>A voter has promised the attempt.</summary>
    /// <param name="voter">Name of the voter.</param>
    /// <param name="record">What it holds.</param>
    public AgreementRound WithPromise(string voter, VoterRecord record) =>
        Proposed is null && record.Promised == Ballot ? this with { Promises = Promises.SetItem(voter, record), Missing = Missing.Remove(voter) } : this;

    /// <summary>A voter has no record.</summary>
    /// <param name="voter">Name of the voter.</param>
    public AgreementRound WithMissing(string voter) => Promises.ContainsKey(voter) ? this : this with { Missing = Missing.Add(voter) };

    /// <summary>A voter has promised a higher attempt.</summary>
    /// <param name="promised">That attempt.</param>
    // One that no attempts can have reached must not be counted on from.
    public AgreementRound WithRefusal(Ballot promised) =>
        promised > Highest && promised.Round - Ballot.Round <= FarVotes.MaxAhead ? this with { Highest = promised } : this;

    /// <summary>Sets the new record, once.</summary>
    /// <param name="change">Computes it from the latest one, which may be newer than what the caller knows; null: the latest one stays.</param>
    public AgreementRound Propose(Func<TopologyRecord?, TopologyRecord?> change)
    {
        if (!IsPrepared || Proposed is not null)
            throw new InvalidOperationException("A record is proposed once, after a quorum has promised the attempt.");
        return this with { Proposed = change(Latest) ?? Latest };
    }

    /// <summary>A voter has accepted the new record.</summary>
    /// <param name="voter">Name of the voter.</param>
    public AgreementRound WithAcceptance(string voter) => this with { AcceptedBy = AcceptedBy.Add(voter) };
}
