using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Failover;

/// <summary>Computes the part of a region's status that tells what its group has agreed on. Pure.</summary>
internal static class FailoverStatusRules
{
    /// <summary>The part of the status that the controller writes.</summary>
    public static readonly StatusPart Part = new("failover", [ConditionTypes.AutomaticFailover, ConditionTypes.WitnessVotes], FieldManagers.Topology);

    private const int MaxWaits = 512;

    // The status is written when the log has grown by so much: seldom, and well below what failover.maxLag allows by default.
    private const long LogStep = 1 << 20;

    /// <summary>The status, null without an agreement; and the changed conditions.</summary>
    /// <param name="group">The group.</param>
    /// <param name="memory">What is remembered.</param>
    /// <param name="reads">The voters.</param>
    /// <param name="waits">Why nothing happens although something is amiss; null: nothing is.</param>
    /// <param name="witness">What is to be said of the witness; null: nothing.</param>
    /// <param name="now">The time.</param>
    public static (FailoverStatus? Status, ConditionList Conditions) Build(
        ObservedGroup group,
        FailoverMemory memory,
        IReadOnlyDictionary<string, VoterRead> reads,
        Obstacle? waits,
        (bool? Status, string Reason, string Message)? witness,
        DateTimeOffset now
    )
    {
        var region = group.Region;
        var known = memory.Known?.Value;
        var conditions = new ConditionList(region.Status?.Conditions, region.Metadata.Generation, now);
        var (status, reason, message) = Judge(group, known, reads, waits);
        conditions.Set(ConditionTypes.AutomaticFailover, status, reason, message);
        if (witness is { } told)
            conditions.Set(ConditionTypes.WitnessVotes, told.Status, told.Reason, told.Message);
        // What was agreed on stays true while nobody can be asked.
        return (known is null ? region.Status?.Failover : StatusOf(known, group.Acts ? memory.LogEnd : null, waits), conditions);
    }

    private static FailoverStatus StatusOf(TopologyRecord record, long? logEnd, Obstacle? waits) =>
        new()
        {
            Epoch = record.Epoch,
            Phase = record.Phase.ToString(),
            Region = record.Region,
            Former = record.Former,
            Guarded = record.IsGuarded,
            MovedAt = record.MovedAt > 0 ? StatusTime.Of(DateTimeOffset.FromUnixTimeMilliseconds(record.MovedAt)) : null,
            TookMillis = record.TookMillis,
            LogEnd = logEnd is { } end ? (end + LogStep - 1) / LogStep * LogStep : null,
            Reason = record.Reason.Length > 0 ? record.Reason : null,
            Waits = waits is null ? null : Texts.Cut(waits.Message, MaxWaits),
        };

    private static (bool? Status, string Reason, string Message) Judge(
        ObservedGroup group,
        TopologyRecord? known,
        IReadOnlyDictionary<string, VoterRead> reads,
        Obstacle? waits
    )
    {
        var failures = reads.Values.Select(read => read.Failure).OfType<string>().ToList();
        if (known is null)
            return (
                null,
                waits?.Reason ?? Reasons.NotVoting,
                waits?.Message ?? string.Join(' ', failures.Prepend("The regions have not agreed on anything yet."))
            );
        var answering = known.Voters.All.Where(voter => reads.GetValueOrDefault(voter)?.Record is not null).ToList();
        if (!known.Voters.IsQuorum(answering))
            return (
                false,
                Reasons.NoQuorum,
                string.Join(
                    ' ',
                    failures.Prepend(
                        $"Only {answering.Count} of {known.Voters.All.Count()} votes can be read ({string.Join(", ", known.Voters.All)}); most are needed to move the role."
                    )
                )
            );
        if (known.Phase != TopologyPhase.Stable)
            return (true, Reasons.RoleMoves, $"Region {known.Region} gets the primary role in epoch {known.Epoch} ({known.Phase}). {known.Reason}");
        if (waits is not null)
            return (false, waits.Reason, waits.Message);
        var settings = (group.Find(known.Region) ?? group.Region).Spec.Failover;
        if (settings.Mode != FailoverMode.Automatic)
            return (false, Reasons.ManualMode, $"spec.failover.mode of region {known.Region} is {settings.Mode}: its role moves when somebody asks for it.");
        // A region that has just joined gets its vote a minute later (LostVoters).
        var others = answering.Where(voter => group.ClusterOf(voter) != group.ClusterOf(known.Region)).ToList();
        if (group.HasRemotes && !known.Voters.IsQuorum(others))
            return (
                false,
                Reasons.NoQuorum,
                $"If cluster {group.ClusterOf(known.Region)} of region {known.Region} is lost, only {others.Count} of {known.Voters.All.Count()} votes can be read, and "
                    + "the role stays. See docs/clusters.md."
            );
        return known.IsGuarded
            ? (true, Reasons.AsExpected, $"Region {known.Region} is the primary in epoch {known.Epoch}. If it is lost, its role moves.")
            : (
                false,
                Reasons.NotGuarded,
                $"The members of region {known.Region} do not all report that they end their right to write by themselves, so nobody could know that a lost region does not write. See docs/write-guard.md."
            );
    }
}
