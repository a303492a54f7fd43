using System.Collections.Immutable;
using UrlShortener.Operator.Conditions;

namespace UrlShortener.Operator.Failover;

/// <summary>What the controller remembers of a group. Lost at its restart, all but the end of the log, which makes it wait anew for what it counts the time of. Pure.</summary>
internal sealed record FailoverMemory
{
    /// <summary>Nothing is remembered.</summary>
    public static readonly FailoverMemory None = new();

    /// <summary>The latest record that is known to be chosen; null: none.</summary>
    public ChosenRecord? Known { get; init; }

    /// <summary>Since when its epoch and phase are known to be chosen.</summary>
    public TimeSpan KnownSince { get; init; }

    /// <summary>The highest ballot that was met.</summary>
    public Ballot Highest { get; init; }

    /// <summary>Voters that have been seen without a record, and since when without interruption.</summary>
    public ImmutableDictionary<string, TimeSpan> MissingSince { get; init; } = ImmutableDictionary<string, TimeSpan>.Empty;

    /// <summary>When an attempt was last made that changes nothing; null: none was.</summary>
    public TimeSpan? RepairedAt { get; init; }

    /// <summary>When an attempt may be made after one that failed; null: at once.</summary>
    public TimeSpan? RetryAt { get; init; }

    /// <summary>The probes of the regions, by name.</summary>
    public ImmutableDictionary<string, ProbeHistory> Probes { get; init; } = ImmutableDictionary<string, ProbeHistory>.Empty;

    /// <summary>The verdicts of all observers about the regions, by name.</summary>
    public ImmutableDictionary<string, JudgedRegion> Judged { get; init; } = ImmutableDictionary<string, JudgedRegion>.Empty;

    /// <summary>What the operators of other clusters told last, by name of the cluster.</summary>
    public ImmutableDictionary<string, HeardObserver> Heard { get; init; } = ImmutableDictionary<string, HeardObserver>.Empty;

    /// <summary>What they told last in the cluster of the witness.</summary>
    public ImmutableDictionary<string, HeardObserver> HeardByWitness { get; init; } = ImmutableDictionary<string, HeardObserver>.Empty;

    /// <summary>When all objects of the witness could last be read and written; null: never.</summary>
    public TimeSpan? WitnessAt { get; init; }

    /// <summary>Why the own verdicts could not be written there; null: they were.</summary>
    public Obstacle? WitnessUntold { get; init; }

    /// <summary>The change that this operator wants to propose, and since when; null: none.</summary>
    public WantedChange? Wanted { get; init; }

    /// <summary>When the own verdicts were last written for the operators of other clusters; null: never.</summary>
    public TimeSpan? ToldAt { get; init; }

    /// <summary>Number of attempts in a row that have failed.</summary>
    public int Overtaken { get; init; }

    /// <summary>End of the primary region's log when it was last known; null: never.</summary>
    public long? LogEnd { get; init; }

    /// <summary>
    /// What is known after a start: the primary region may be lost together with the operator that had seen it last. After a restore of etcd the statuses may be
    /// older. Then what the standby regions were told last of that log counts, which is as new as what they have received.
    /// </summary>
    /// <param name="group">The group.</param>
    public static FailoverMemory At(ObservedGroup group) => None with { LogEnd = group.Members.Max(member => member.Status?.Failover?.LogEnd) };

    /// <summary>What remains after a reading of the voters.</summary>
    /// <param name="reads">What was read, by name.</param>
    /// <param name="now">The time.</param>
    public FailoverMemory Learn(IReadOnlyDictionary<string, VoterRead> reads, TimeSpan now)
    {
        var records = RecordsOf(reads);
        var highest = records.Values.SelectMany(record => new[] { record.Promised, record.Ballot }).Append(Highest).Max();
        var missing = reads
            .Where(read => read.Value.IsMissing)
            .ToImmutableDictionary(read => read.Key, read => MissingSince.TryGetValue(read.Key, out var since) ? since : now);
        var memory = this with { Highest = highest, MissingSince = missing };
        return ChosenRecord.Find(records) is { } chosen ? memory.Learn(chosen, now) : memory;
    }

    /// <summary>What remains after a record was found to be chosen.</summary>
    /// <param name="chosen">The record.</param>
    /// <param name="now">The time.</param>
    public FailoverMemory Learn(ChosenRecord chosen, TimeSpan now) =>
        Known is { } known && known.Ballot >= chosen.Ballot
            ? this
            : this with
            {
                Known = chosen,
                Highest = chosen.Ballot > Highest ? chosen.Ballot : Highest,
                KnownSince = Known is { } former && (former.Value.Epoch, former.Value.Phase) == (chosen.Value.Epoch, chosen.Value.Phase) ? KnownSince : now,
            };

    /// <summary>The records among the answers of voters.</summary>
    public static IReadOnlyDictionary<string, VoterRecord> RecordsOf(IReadOnlyDictionary<string, VoterRead> reads) =>
        reads.Where(read => read.Value.Record is not null).ToDictionary(read => read.Key, read => read.Value.Record!, StringComparer.Ordinal);
}
