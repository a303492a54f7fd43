using UrlShortener.Operator.Failover;

namespace UrlShortener.Operator.Tests.Failover;

/// <summary>The rules that <see cref="World"/> runs, which are the product's. Each can be broken, to show that the invariants notice.</summary>
internal sealed record Rules
{
    /// <summary>Whether the third voter is a witness, which joins and leaves, instead of a region.</summary>
    public bool HasWitness { get; init; }

    /// <summary>A voter promises an attempt.</summary>
    public Func<VoterRecord, Ballot, VoterRecord?> Promise { get; init; } = (voter, ballot) => voter.Promise(ballot);

    /// <summary>A voter accepts a record.</summary>
    public Func<VoterRecord, Ballot, TopologyRecord, VoterRecord?> Accept { get; init; } = (voter, ballot, value) => voter.Accept(ballot, value);

    /// <summary>A proposer computes the new record from the change that it decided on and from the latest record.</summary>
    public Func<TopologyRecord?, TopologyRecord?, TopologyRecord, TopologyRecord?> Change { get; init; } =
        (latest, decidedOn, next) => latest == decidedOn ? next : null;

    /// <summary>Whether a proposer may propose.</summary>
    public Func<AgreementRound, bool> IsPrepared { get; init; } = round => round.IsPrepared;

    /// <summary>A proposer proposes.</summary>
    public Func<AgreementRound, Func<TopologyRecord?, TopologyRecord?>, AgreementRound> Propose { get; init; } = (round, change) => round.Propose(change);

    /// <summary>Whether a record is the group's.</summary>
    public Func<AgreementRound, bool> IsChosen { get; init; } = round => round.IsChosen;

    /// <summary>A guard renews its lease: lease, region, begin of the reading, its end, what was read.</summary>
    public Func<WriteLease, string, TimeSpan, TimeSpan, IReadOnlyDictionary<string, VoterRecord>, WriteLease> Renew { get; init; } =
        (lease, region, began, _, reads) => lease.Renew(region, began, reads);

    /// <summary>An operator decides.</summary>
    public Func<GroupView, FailoverDecision> Decide { get; init; } = FailoverDecision.Of;

    /// <summary>What a voter that lost its record takes for it; null: it does not vote.</summary>
    public VoterRecord? Lost { get; init; }

    /// <summary>How long a record must be away until a voter that lost it gets one.</summary>
    public TimeSpan ReturnTime { get; init; } = LostVoters.ReturnTime;

    /// <summary>How much slower than real time a guard's clock may run, and how much faster an operator's: 0.1 is a tenth.</summary>
    public double Drift { get; init; } = 0.1;
}
