using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// How many members the StatefulSet is to have. Raising is one step. Lowering removes the highest number, one at a time, while all that stay serve; a primary that
/// is to be removed hands its role over first. Pure.
/// </summary>
/// <param name="Replicas">Number of members now.</param>
/// <param name="Step">A step that comes before the next member can be removed; null: none.</param>
/// <param name="Blocked">Why no member is removed now; null: one is, or none is to be.</param>
internal sealed record PostgresScale(int Replicas, RolloutStep? Step = null, string? Blocked = null)
{
    /// <summary>Computes it.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="memory">What is remembered.</param>
    /// <param name="now">The time.</param>
    public static PostgresScale Of(V1Alpha1ShortenerRegion region, ObservedPostgres observed, PostgresMemory memory, DateTimeOffset now)
    {
        var (spec, place) = (region.Spec.Postgres!, GroupPlace.Of(region, observed.Group));
        if (place.Waits && (observed.StatefulSet?.Spec.Replicas ?? 0) == 0)
            return new PostgresScale(0);
        if (place.Source is null && FindRestored(region, observed) is { } few)
            return new PostgresScale(few);
        var live = Math.Max(observed.StatefulSet?.Spec.Replicas ?? KeptVolumes.CountOf(region, observed), spec.Instances);
        if (RegionCopy.IsWanted(region, observed, memory, now))
            return new PostgresScale(RegionCopy.CountOf(region, live));
        PostgresScale Wait(string why) => new(live, Blocked: why);
        List<string> staying = [.. Enumerable.Range(0, spec.Instances).Select(ordinal => PostgresNames.MemberOf(region, ordinal))];
        var known = Enumerable.Range(0, live).Select(ordinal => PostgresNames.MemberOf(region, ordinal)).ToHashSet(StringComparer.Ordinal);
        if (observed.Pods.FirstOrDefault(pod => !known.Contains(pod.Metadata.Name)) is { } ending)
            return Wait($"{ending.Metadata.Name} ends");
        if (!observed.IsStandby && observed.SyncStandbys.FirstOrDefault(name => !known.Contains(name)) is { } forgotten)
            return Wait($"Patroni forgets {forgotten}");
        if (live == spec.Instances)
            return new PostgresScale(live);
        if (observed.Leader is not { } primary)
            return Wait("no member accepts writes");
        if (memory.Switchover is { } moving)
            return Wait($"the primary moves from {moving.From} to {moving.To}");
        if (observed.Members.Values.Any(member => member.Paused))
            return Wait("elections are paused (patronictl resume continues)");
        if (staying.Where(name => !observed.Stays(name)).ToList() is { Count: > 0 } missing)
            return Wait($"{string.Join(", ", missing)} must serve first");
        if (!staying.Contains(primary.Name))
        {
            return memory.SwitchoverNotBefore is { } notBefore && now < notBefore ? Wait("the primary did not move; the operator tries again in a minute")
                : PostgresRollout.FindTarget(region, observed, staying) is { } target
                    ? new PostgresScale(live, new RolloutStep.Switchover(primary.Name, target, "it is to be removed"))
                : Wait("no replica that stays is synchronous, so that none can become the primary");
        }

        return observed.HasSynchrony(spec) && staying.Count(observed.IsSynchronous) < spec.SyncNodeCount
            ? Wait("too few replicas that stay are synchronous")
            : new PostgresScale(live - 1);
    }

    // A backup is restored into the volume of the first member before there is any, and the others copy that one. An empty member would begin a database.
    private static int? FindRestored(V1Alpha1ShortenerRegion region, ObservedPostgres observed) =>
        region.Spec.Postgres!.Restore is null
        || region.Status?.Postgres?.SystemIdentifier is not null
        || observed is { Configuration: not null, StatefulSet.Spec.Replicas: > 0 }
            ? null
        : region.Status?.Backup?.Restore?.Succeeded == true ? 1
        : 0;
}
