using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Events;

namespace UrlShortener.Operator.Conditions;

/// <summary>Records events when conditions change.</summary>
internal static class ConditionEvents
{
    // For these types, True is a problem.
    private static readonly HashSet<string> Abnormal =
    [
        ConditionTypes.Stalled,
        ConditionTypes.LowWatermark,
        ConditionTypes.Critical,
        ConditionTypes.Exhausted,
        ConditionTypes.KeyspaceLow,
        ConditionTypes.RedisDegraded,
        ConditionTypes.RedisQuorumLost,
        ConditionTypes.PostgresDegraded,
    ];

    // These types change with every update, and add no information to the others.
    private static readonly HashSet<string> Silent = [ConditionTypes.Reconciling];

    // The specification asks for these types, so that a problem is news from the start.
    private static readonly HashSet<string> Requested =
    [
        ConditionTypes.Monitored,
        ConditionTypes.TrafficPublished,
        ConditionTypes.ClusterReachable,
        ConditionTypes.WitnessVotes,
    ];

    /// <summary>Records an event for each changed condition. A new condition without a problem causes none.</summary>
    /// <param name="events">The recorder.</param>
    /// <param name="entity">The object.</param>
    /// <param name="changes">Changed conditions, with their previous status.</param>
    public static void Record(EventRecorder events, IKubernetesObject<V1ObjectMeta> entity, IEnumerable<(V1Condition Condition, string? Former)> changes)
    {
        foreach (var (condition, former) in changes)
        {
            if (
                Silent.Contains(condition.Type)
                || condition.Status == "Unknown"
                || (former is null && condition.Status == "False" && !Requested.Contains(condition.Type))
            )
                continue;
            // Unknown before and no problem now: no problem was reported, so none is over.
            if (former == "Unknown" && condition.Status == "False" && Abnormal.Contains(condition.Type))
                continue;
            var isBad = (condition.Status == "True") == Abnormal.Contains(condition.Type);
            if (former is null && !isBad && condition.Type != ConditionTypes.Ready)
                continue;
            var reason = condition.Status == "True" || !Abnormal.Contains(condition.Type) ? condition.Reason : $"{condition.Type}Over";
            events.Record(
                entity,
                isBad ? EventSeverity.Warning : EventSeverity.Normal,
                reason,
                condition.Type,
                $"{condition.Type} is {condition.Status}: {condition.Message}"
            );
        }
    }

    /// <summary>Whether a condition exists and is true.</summary>
    public static bool IsTrue(IReadOnlyList<V1Condition>? conditions, string type) =>
        conditions?.Any(condition => condition.Type == type && condition.Status == "True") == true;
}
