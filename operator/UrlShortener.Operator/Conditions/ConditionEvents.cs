using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Events;

namespace UrlShortener.Operator.Conditions;

/// <summary>Tells by events when conditions flip.</summary>
internal static class ConditionEvents
{
    // True is bad news for these.
    private static readonly HashSet<string> Abnormal =
        [ConditionTypes.Stalled, ConditionTypes.LowWatermark, ConditionTypes.Critical, ConditionTypes.Exhausted, ConditionTypes.KeyspaceLow];

    // These flip with every change, and say nothing that others do not.
    private static readonly HashSet<string> Silent = [ConditionTypes.Reconciling];

    /// <summary>Records an event for each condition that flipped. One that was never there before and is as it should be is no news.</summary>
    /// <param name="events">Takes them.</param>
    /// <param name="entity">The object.</param>
    /// <param name="changes">Conditions that flipped, with their former status.</param>
    public static void Record(EventRecorder events, IKubernetesObject<V1ObjectMeta> entity, IEnumerable<(V1Condition Condition, string? Former)> changes)
    {
        foreach (var (condition, former) in changes)
        {
            if (Silent.Contains(condition.Type) || condition.Status == "Unknown" || (former is null && condition.Status == "False"))
                continue;
            // What was not known before and is not bad now was never bad, as far as anybody was told.
            if (former == "Unknown" && condition.Status == "False" && Abnormal.Contains(condition.Type))
                continue;
            var isBad = (condition.Status == "True") == Abnormal.Contains(condition.Type);
            if (former is null && !isBad && condition.Type != ConditionTypes.Ready)
                continue;
            var reason = condition.Status == "True" || !Abnormal.Contains(condition.Type) ? condition.Reason : $"{condition.Type}Over";
            events.Record(entity, isBad ? EventSeverity.Warning : EventSeverity.Normal, reason, condition.Type, $"{condition.Type} is {condition.Status}: {condition.Message}");
        }
    }

    /// <summary>Whether a condition is there and true.</summary>
    public static bool IsTrue(IReadOnlyList<V1Condition>? conditions, string type) => conditions?.Any(condition => condition.Type == type && condition.Status == "True") == true;
}
