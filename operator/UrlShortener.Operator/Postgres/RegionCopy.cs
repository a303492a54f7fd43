using System.Text.Json.Nodes;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// Copies the database of the primary region anew into a standby region that was away for more changes than the primary region keeps. A further member gets the
/// copy and then leads; the others copy that one (<see cref="MemberRejoin"/>), and the further one is removed (<see cref="PostgresScale"/>). Until then they keep
/// what they have, so that a copy that fails costs nothing. Pure.
/// </summary>
internal static class RegionCopy
{
    /// <summary>Name of the way to make a replica, in Patroni's configuration.</summary>
    public const string Method = "primary_region";

    // Patroni rewinds a former primary within a loop or two, and the state in the status of the other region may be that of a moment ago.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    // A copy that fails would fail again.
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(15);

    /// <summary>Whether the primary region no longer has what this region needs, by its status.</summary>
    /// <param name="region">The region.</param>
    /// <param name="source">The region that it follows.</param>
    public static bool IsLost(V1Alpha1ShortenerRegion region, V1Alpha1ShortenerRegion source) =>
        source.Status?.Postgres?.Standbys?.FirstOrDefault(standby => standby.Region == region.Spec.Region)?.State == StandbyState.Lost;

    /// <summary>The region's absence, from the moment on at which it was first seen; null: there is none that a copy would end.</summary>
    /// <param name="region">The region.</param>
    /// <param name="place">Its place in the group.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="memory">What is remembered.</param>
    /// <param name="now">The time.</param>
    public static RegionAbsence? Track(
        V1Alpha1ShortenerRegion region,
        GroupPlace place,
        ObservedPostgres observed,
        PostgresMemory memory,
        DateTimeOffset now
    ) =>
        place.Source is { } source
        && IsLost(region, source)
        && ConditionEvents.IsTrue(source.Status!.Conditions, ConditionTypes.PostgresReady)
        && observed is { IsStandby: true, Leader: { } leader }
        && memory.Waits is not null
        // What is newer than the primary region is no copy that is behind.
        && leader.Member.Timeline <= source.Status.Postgres!.Timeline
            ? memory.Behind?.Leader == leader.Name
                ? memory.Behind
                : new RegionAbsence(leader.Name, now)
            : null;

    /// <summary>Whether the region is to get a copy, so that Patroni makes replicas from the primary region.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="memory">What is remembered.</param>
    /// <param name="now">The time.</param>
    public static bool IsWanted(V1Alpha1ShortenerRegion region, ObservedPostgres observed, PostgresMemory memory, DateTimeOffset now) =>
        region.Spec.Postgres!.Rejoin == RejoinPolicy.Automatic
        && memory.Behind is { } behind
        && now - behind.Since >= Limit
        && !observed.Members.Values.Any(member => member.Paused)
        // The others would be copied too, which discards what they have not saved.
        && !observed.Pods.Any(SavedChanges.IsUnsaved);

    /// <summary>The next step: the new copy leads, or a further member whose volume is not empty is made anew; null: none is possible or needed now.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="memory">What is remembered.</param>
    /// <param name="now">The time.</param>
    public static RolloutStep? Next(V1Alpha1ShortenerRegion region, ObservedPostgres observed, PostgresMemory memory, DateTimeOffset now)
    {
        if (!IsWanted(region, observed, memory, now) || observed.Leader is not { } leader || memory.Switchover is not null)
            return null;
        var replicas = observed
            .Members.Where(member =>
                member.Value is { Role: "replica", State: "running" or "streaming", Reached: not null }
                && observed.PodOf(member.Key) is { Metadata.DeletionTimestamp: null }
            )
            .OrderByDescending(member => member.Value.Reached)
            .ToList();
        // The leader receives nothing: only a new copy is ahead of it.
        if (replicas is [{ } copy, ..] && copy.Value.Reached > leader.Member.End)
            return now < memory.SwitchoverNotBefore
                ? null
                : new RolloutStep.Switchover(leader.Name, copy.Key, "it has a new copy of the database of the primary region");
        if (!IsConfigured(observed.DynamicConfiguration) || PostgresRollout.IsSettling(region, memory, now))
            return null;
        var old = replicas
            .Select(member => member.Key)
            .FirstOrDefault(name => IsFurther(region, name) && !(memory.RebuiltAt.TryGetValue(name, out var last) && now - last < Pause));
        return old is null ? null : new RolloutStep.Rebuild(old, "it has the data of an earlier time", OfPrimary: false);
    }

    /// <summary>Whether a member is there only for a new copy, or is about to be removed.</summary>
    /// <param name="region">The region.</param>
    /// <param name="member">The member.</param>
    public static bool IsFurther(V1Alpha1ShortenerRegion region, string member) =>
        Enumerable.Range(0, region.Spec.Postgres!.Instances).All(ordinal => PostgresNames.MemberOf(region, ordinal) != member);

    /// <summary>How many members there are while the region gets a copy.</summary>
    /// <param name="region">The region.</param>
    /// <param name="live">How many there are.</param>
    public static int CountOf(V1Alpha1ShortenerRegion region, int live) => Math.Max(live, region.Spec.Postgres!.Instances + 1);

    /// <summary>Whether Patroni makes new members from the primary region.</summary>
    /// <param name="configuration">Patroni's dynamic configuration; null: there is none.</param>
    public static bool IsConfigured(JsonObject? configuration) => configuration?["postgresql"]?[Method] is not null;
}

/// <summary>A standby region that lacks changes which the primary region no longer has.</summary>
/// <param name="Leader">The member that follows the primary region.</param>
/// <param name="Since">When that was first seen.</param>
internal sealed record RegionAbsence(string Leader, DateTimeOffset Since);
