using System.Collections.Immutable;

namespace UrlShortener.Operator.Failover;

/// <summary>
/// One attempt to read or change the topology record: a quorum promises the attempt and tells what it has accepted, then a quorum accepts the new record, which is
/// computed from the latest one. What a quorum has accepted is chosen: every later attempt starts from it or from one of its successors. Pure; the caller asks
/// the members and gives up an attempt after <see cref="Life"/>.
/// </summary>
internal sealed record AgreementRound
{
    /// <summary>
    /// How long an attempt may take. A member that lost its record gets one again only after <see cref="LostMembers.ReturnTime"/>, when no attempt counts on a
    /// promise that it has forgotten.
    /// </summary>
    public static readonly TimeSpan Life = TimeSpan.FromSeconds(10);

    /// <summary>Number of the attempt.</summary>
    public required Ballot Ballot { get; init; }

    /// <summary>The members that have promised it, with what each held then.</summary>
    public ImmutableSortedDictionary<string, MemberRecord> Promises { get; init; } = ImmutableSortedDictionary<string, MemberRecord>.Empty;

    /// <summary>The members that answered that they have no record.</summary>
    public ImmutableSortedSet<string> Missing { get; init; } = [];

    /// <summary>The members that have accepted <see cref="Proposed"/>.</summary>
    public ImmutableSortedSet<string> AcceptedBy { get; init; } = [];

    /// <summary>The new record; null: the attempt still gathers promises.</summary>
    public TopologyRecord? Proposed { get; init; }

    /// <summary>The highest ballot that was met; above <see cref="Ballot"/>: the attempt cannot succeed.</summary>
    public Ballot Highest { get; init; }

    /// <summary>The membership that the caller knows; it only matters until a promise tells of a later record.</summary>
    public required Membership Known { get; init; }

    /// <summary>The latest record that the promises tell of, which the new one is computed from; null: there is none yet.</summary>
    public TopologyRecord? Latest => Promises.Values.Where(member => member.Value is not null).MaxBy(member => member.Ballot)?.Value;

    /// <summary>The members to ask for promises.</summary>
    public IEnumerable<string> Voters => (Latest?.Membership ?? Known).All;

    /// <summary>
    /// Whether the new record can be computed: a quorum has promised. For the first record of a group, all must have: a quorum of a membership that nobody has
    /// recorded yet is only what one operator takes for one.
    /// </summary>
    public bool IsPrepared => Latest is { } latest ? latest.Membership.IsQuorum([.. Promises.Keys]) : Known.All.All(Promises.ContainsKey);

    /// <summary>
    /// The members without a record to create one at: those of a group that has none anywhere. One that only lost its record stays out of the attempt, because it
    /// has forgotten what it promised (<see cref="LostMembers"/>).
    /// </summary>
    public IEnumerable<string> Creatable => Latest is null && Known.All.All(member => Missing.Contains(member) || Promises.ContainsKey(member)) ? Missing : [];

    /// <summary>Whether another attempt has overtaken this one.</summary>
    public bool IsOvertaken => Highest > Ballot;

    /// <summary>Whether <see cref="Proposed"/> is the record of the group.</summary>
    public bool IsChosen => Proposed is not null && Proposed.Membership.IsQuorum(AcceptedBy);

    /// <summary>Starts an attempt.</summary>
    /// <param name="ballot">Its number, above all that the proposer has met.</param>
    /// <param name="known">The membership as the proposer knows it.</param>
    public static AgreementRound Start(Ballot ballot, Membership known) =>
        new()
        {
            Ballot = ballot,
            Highest = ballot,
            Known = known,
        };

    /// <summary>A member has promised the attempt.</summary>
    /// <param name="member">Name of the member.</param>
    /// <param name="record">What it holds.</param>
    public AgreementRound WithPromise(string member, MemberRecord record) =>
        Proposed is null && record.Promised == Ballot ? this with { Promises = Promises.SetItem(member, record), Missing = Missing.Remove(member) } : this;

    /// <summary>A member has no record.</summary>
    /// <param name="member">Name of the member.</param>
    public AgreementRound WithMissing(string member) => Promises.ContainsKey(member) ? this : this with { Missing = Missing.Add(member) };

    /// <summary>A member has promised a higher attempt.</summary>
    /// <param name="promised">That attempt.</param>
    public AgreementRound WithRefusal(Ballot promised) => promised > Highest ? this with { Highest = promised } : this;

    /// <summary>Sets the new record, once.</summary>
    /// <param name="change">Computes it from the latest one, which may be newer than what the caller knows; null: the latest one stays.</param>
    public AgreementRound Propose(Func<TopologyRecord?, TopologyRecord?> change)
    {
        if (!IsPrepared || Proposed is not null)
            throw new InvalidOperationException("A record is proposed once, after a quorum has promised the attempt.");
        return this with { Proposed = change(Latest) ?? Latest };
    }

    /// <summary>A member has accepted the new record.</summary>
    /// <param name="member">Name of the member.</param>
    public AgreementRound WithAcceptance(string member) => this with { AcceptedBy = AcceptedBy.Add(member) };
}
