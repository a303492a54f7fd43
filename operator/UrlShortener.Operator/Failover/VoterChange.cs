using UrlShortener.Operator.Conditions;

namespace UrlShortener.Operator.Failover;

/// <summary>The first record of a group, and changes of its voters. Pure.</summary>
internal static class VoterChange
{
    /// <summary>
    /// The voters to ask what was decided, where none of the records that were read is known to be chosen: an operator that has just started, while a voter is away and
    /// others do not hold the same. Null: no region has a record, so that there may be none.
    /// </summary>
    /// <param name="reads">The voters.</param>
    public static Voters? FindVoters(IReadOnlyDictionary<string, VoterRead> reads) =>
        reads.Any(read => !Witness.IsOne(read.Key) && read.Value.Record?.Value is not null)
            ? ChosenRecord.FindLatest(FailoverMemory.RecordsOf(reads))?.Value.Voters
            : null;

    /// <summary>The first record; null: not all have yet what they need.</summary>
    /// <param name="group">The group.</param>
    /// <param name="reads">The voters.</param>
    public static (TopologyRecord? Record, Obstacle? Waits) FindFirst(ObservedGroup group, IReadOnlyDictionary<string, VoterRead> reads)
    {
        var topology = group
            .Members.Select(member => member.Status?.Topology)
            .Where(known => known?.PrimaryRegion is not null)
            .MaxBy(known => known!.Epoch ?? 0);
        if (topology is not { PrimaryRegion: { } primary, Epoch: { } epoch } || group.Members.All(member => member.Spec.Region != primary))
            return Wait("The group has no primary region yet.");
        foreach (var (name, read) in reads)
        {
            if (Witness.IsOne(name))
            {
                // It knows what was decided before the regions lost their votes.
                if (read.Record is not null)
                    return Wait(
                        $"Cluster {Witness.ClusterOf(name)} has the vote of a witness of this group, and the regions have none. If they lost theirs for good, delete the "
                            + "data of that ConfigMap."
                    );
                continue;
            }

            if (read.Failure is { } failure)
                return Wait(failure);
            if (read.Map is null)
                return Wait($"Region {name} has no object for its vote yet.");
        }

        // An image without the guard cannot be fenced. Such a group moves its role as before.
        foreach (var member in group.Members)
        {
            if (group.ReportsOf(member.Spec.Region) is null)
                return Wait($"Not all members of region {member.Spec.Region} have a write guard: they run an older image, or have not started yet.");
        }

        return (
            new TopologyRecord
            {
                // Members may be guarded since an earlier group, or the votes are gone.
                Epoch = group.GuardEpochFrom(epoch) is var known && known > epoch ? known + 1 : epoch,
                Phase = TopologyPhase.Stable,
                Region = primary,
                Voters = Voters.Of(group.Members.Select(member => member.Spec.Region).Concat(FindWitness(group, reads))),
                Reason = topology.Message ?? "",
            },
            null
        );
    }

    /// <summary>The record with the next step towards other voters; null: they are right.</summary>
    /// <param name="group">The group.</param>
    /// <param name="record">The record.</param>
    /// <param name="reads">The voters.</param>
    public static TopologyRecord? Of(ObservedGroup group, TopologyRecord record, IReadOnlyDictionary<string, VoterRead> reads)
    {
        if (record.Phase != TopologyPhase.Stable)
            return null;
        // A voter leaves when its region was deleted, not when somebody has edited what it trusts; a witness when nobody wants it and it is not needed to decide.
        var stay = record.Voters.Current.Where(voter => Witness.IsOne(voter) ? Stays(group, voter, reads) : !IsGone(group, voter, reads));
        // A new one needs an object for its vote first.
        var join = group
            .Members.Select(member => member.Spec.Region)
            .Where(name => reads.GetValueOrDefault(name)?.Map is not null)
            .Concat(FindWitness(group, reads));
        return record.Voters.Towards(stay.Union(join, StringComparer.Ordinal)) is { } voters ? record with { Voters = voters } : null;
    }

    /// <summary>
    /// Whether the region is the only one that is left of its group: the others were deleted with their votes. Nobody is left then who could propose anything, so a
    /// witness does not matter.
    /// </summary>
    /// <param name="group">The group.</param>
    /// <param name="record">The record.</param>
    /// <param name="reads">The voters.</param>
    public static bool IsLast(ObservedGroup group, TopologyRecord record, IReadOnlyDictionary<string, VoterRead> reads)
    {
        var name = group.Region.Spec.Region;
        var regions = record.Voters.All.Where(voter => !Witness.IsOne(voter)).ToList();
        return regions.Contains(name, StringComparer.Ordinal)
            && record.Voters.All.Any(voter => voter != name)
            && regions.TrueForAll(voter => voter == name || IsGone(group, voter, reads))
            && !record.Voters.IsQuorum([.. reads.Where(read => read.Value.Record is not null).Select(read => read.Key)]);
    }

    /// <summary>The record of a region that is the only one left.</summary>
    /// <param name="group">The group.</param>
    /// <param name="record">The record so far.</param>
    public static TopologyRecord OfLast(ObservedGroup group, TopologyRecord record) =>
        new()
        {
            Epoch =
                group.GuardEpochFrom(record.Epoch) is var known && known > record.Epoch ? known + 1
                : record.Allows(group.Region.Spec.Region) ? record.Epoch
                : record.Epoch + 1,
            Phase = TopologyPhase.Stable,
            Region = group.Region.Spec.Region,
            Voters = Voters.Of([group.Region.Spec.Region]),
            AutomaticMoves = record.AutomaticMoves,
            Reason = "The other regions of the group were deleted.",
        };

    // It votes once the guards can read it too: the condition must not promise what only the operators could do.
    private static IEnumerable<string> FindWitness(ObservedGroup group, IReadOnlyDictionary<string, VoterRead> reads) =>
        group.WitnessPlan is { Keeps: false, Voter: { } voter }
        && reads.GetValueOrDefault(voter) is { Map: not null, Failure: null }
        && WitnessRules.FindUnmounted(group) is null
            ? [voter]
            : [];

    private static bool Stays(ObservedGroup group, string voter, IReadOnlyDictionary<string, VoterRead> reads) =>
        group.WitnessPlan.Keeps || group.WitnessPlan.Voter == voter || group.Members.Any(member => reads.GetValueOrDefault(member.Spec.Region)?.Record is null);

    private static bool IsGone(ObservedGroup group, string voter, IReadOnlyDictionary<string, VoterRead> reads) =>
        group.Find(voter) is null && reads.GetValueOrDefault(voter) is { Map: null, Failure: null };

    private static (TopologyRecord? Record, Obstacle? Waits) Wait(string why) => (null, new Obstacle(Reasons.NotVoting, why));
}
