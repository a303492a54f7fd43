using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Mirrors;

/// <summary>Computes the status of a region that another cluster runs. Pure.</summary>
internal static class MirrorRules
{
    /// <summary>Time between two readings.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>The same while the primary role moves.</summary>
    public static readonly TimeSpan MovingInterval = TimeSpan.FromSeconds(1);

    /// <summary>How long a cluster may give no answer before it counts as unreachable.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(12);

    /// <summary>Why the object in the other cluster is not that of the region; null: it is.</summary>
    /// <param name="region">The object here.</param>
    /// <param name="there">The object there.</param>
    public static Obstacle? FindDifference(V1Alpha1ShortenerRegion region, V1Alpha1ShortenerRegion there) =>
        (there.Spec.Region, there.Spec.Group, there.Spec.ClusterName()) == (region.Spec.Region, region.Spec.Group, region.Spec.ClusterName())
            ? null
            : new Obstacle(
                Reasons.RegionConflict,
                $"ShortenerRegion {region.Metadata.Name} of cluster {region.Spec.ClusterName()} has region {there.Spec.Region} of group {there.Spec.Group} and "
                    + $"spec.cluster.name {there.Spec.ClusterName() ?? "(none)"}. Apply the same object to all clusters."
            );

    /// <summary>The status, and the changed conditions.</summary>
    /// <param name="region">The object here.</param>
    /// <param name="there">The object in the other cluster as it was read now; null: it was not.</param>
    /// <param name="last">When it was read last; null: not since this process began.</param>
    /// <param name="obstacle">Why it was not read now; null: it was.</param>
    /// <param name="now">The time.</param>
    public static (RegionStatus Status, IReadOnlyList<(V1Condition Condition, string? Former)> Changed) Build(
        V1Alpha1ShortenerRegion region,
        V1Alpha1ShortenerRegion? there,
        DateTimeOffset? last,
        Obstacle? obstacle,
        DateTimeOffset now
    )
    {
        var conditions = new ConditionList(region.Status?.Conditions, region.Metadata.Generation, now);
        var former = region.Status?.Conditions?.FirstOrDefault(condition => condition.Type == ConditionTypes.ClusterReachable);
        if (obstacle is null)
            conditions.Set(
                ConditionTypes.ClusterReachable,
                true,
                Reasons.AsExpected,
                $"The status is read from cluster {region.Spec.ClusterName()} every {Interval.TotalSeconds:0} seconds."
            );
        else
            conditions.Set(
                ConditionTypes.ClusterReachable,
                false,
                obstacle.Reason,
                // Servers that are away fail in many ways, one after the other. The first one is told.
                former?.Reason == obstacle.Reason
                && obstacle.Reason == Reasons.ClusterUnreachable
                    ? former.Message
                    : $"{obstacle.Message} The status is {(last is { } at ? $"that of {at.UtcDateTime:u}" : "from before this operator began")}."
            );
        var own = conditions.Conditions.Single();
        var status = there?.Status ?? region.Status ?? new RegionStatus();
        return (
            status with
            {
                ObservedGeneration = there is null ? status.ObservedGeneration : Translate(status.ObservedGeneration, region, there),
                Conditions =
                [
                    .. (status.Conditions ?? [])
                        .Where(condition => condition.Type != ConditionTypes.ClusterReachable)
                        .Select(condition => there is null ? condition : Translate(condition, region, there)),
                    own,
                ],
            },
            conditions.Changed
        );
    }

    /// <summary>When to read again.</summary>
    /// <param name="status">The status.</param>
    public static TimeSpan IntervalOf(RegionStatus status) => status.Failover is { Phase: not FailoverPhase.Stable } ? MovingInterval : Interval;

    // Generations of the two objects are counted apart. What describes the current one there describes the current one here.
    private static long? Translate(long? observed, V1Alpha1ShortenerRegion region, V1Alpha1ShortenerRegion there) =>
        observed is null ? null
        : observed == there.Metadata.Generation ? region.Metadata.Generation
        : Math.Max((region.Metadata.Generation ?? 1) - 1, 0);

    private static V1Condition Translate(V1Condition condition, V1Alpha1ShortenerRegion region, V1Alpha1ShortenerRegion there) =>
        new()
        {
            Type = condition.Type,
            Status = condition.Status,
            Reason = condition.Reason,
            Message = condition.Message,
            LastTransitionTime = condition.LastTransitionTime,
            ObservedGeneration = Translate(condition.ObservedGeneration, region, there),
        };
}
