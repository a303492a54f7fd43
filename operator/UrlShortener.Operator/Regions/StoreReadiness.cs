using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Regions;

/// <summary>What the controllers of a region's stores and traffic report in its conditions. Pure.</summary>
internal static class StoreReadiness
{
    /// <summary>All types of conditions that the other controllers of the kind write.</summary>
    public static readonly IReadOnlyList<string> Types =
    [
        ConditionTypes.PostgresReady,
        ConditionTypes.PostgresDegraded,
        ConditionTypes.PostgresUpToDate,
        ConditionTypes.PostgresPasswordCurrent,
        ConditionTypes.SyncReplicationHealthy,
        ConditionTypes.StandbyReplicating,
        ConditionTypes.AutomaticFailover,
        ConditionTypes.WitnessVotes,
        ConditionTypes.LastBackupSucceeded,
        ConditionTypes.ContinuousArchiving,
        ConditionTypes.LastRehearsalSucceeded,
        ConditionTypes.RestoreSucceeded,
        ConditionTypes.RedisReady,
        ConditionTypes.RedisDegraded,
        ConditionTypes.RedisQuorumLost,
        ConditionTypes.RedisPasswordCurrent,
        ConditionTypes.TrafficPublished,
        ConditionTypes.AnalyticsHealthy,
    ];

    /// <summary>Why a store that the operator runs is not ready; null: all are, or there are none.</summary>
    public static Obstacle? Find(V1Alpha1ShortenerRegion region) =>
        RequiredBy(region).Select(type => Find(region, type)).FirstOrDefault(found => found is not null);

    /// <summary>Whether the region's PostgreSQL follows that of another region, so that it takes no writes and gets its tables with the data.</summary>
    public static bool IsStandby(V1Alpha1ShortenerRegion region) =>
        region is { Spec.Postgres: not null, Status.Postgres: { Primary: null, StandbyLeader: not null } };

    /// <summary>Whether a change of a region's status is one that a store's controller wrote.</summary>
    public static bool HasChanged(V1Alpha1ShortenerRegion former, V1Alpha1ShortenerRegion current) =>
        Types.Any(type => !Same(ConditionOf(former, type), ConditionOf(current, type)));

    private static IEnumerable<string> RequiredBy(V1Alpha1ShortenerRegion region)
    {
        if (region.Spec.Postgres is not null)
        {
            yield return ConditionTypes.PostgresReady;
            yield return ConditionTypes.PostgresUpToDate;
        }

        if (region.Spec.Redis is not null)
            yield return ConditionTypes.RedisReady;
    }

    private static Obstacle? Find(V1Alpha1ShortenerRegion region, string type) =>
        ConditionOf(region, type) switch
        {
            { Status: "True" } ready when ready.ObservedGeneration == region.Metadata.Generation => null,
            { Status: "True" } or null => new Obstacle(Reasons.StoreStarting, $"The operator applies the specification to the store ({type})."),
            { } condition => new Obstacle(condition.Reason, $"{type} is {condition.Status}: {condition.Message}"),
        };

    private static V1Condition? ConditionOf(V1Alpha1ShortenerRegion region, string type) =>
        region.Status?.Conditions?.FirstOrDefault(condition => condition.Type == type);

    private static bool Same(V1Condition? one, V1Condition? other) =>
        (one?.Status, one?.Reason, one?.Message, one?.ObservedGeneration) == (other?.Status, other?.Reason, other?.Message, other?.ObservedGeneration);
}
