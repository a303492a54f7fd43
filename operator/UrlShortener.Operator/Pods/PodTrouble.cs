using k8s.Models;

namespace UrlShortener.Operator.Pods;

/// <summary>Explains why pods do not start, with the message of the kubelet or the scheduler. Pure.</summary>
internal static class PodTrouble
{
    /// <summary>A text in parentheses with a leading space; empty: nothing is known.</summary>
    /// <param name="pods">Pods of one component.</param>
    public static string Explain(IReadOnlyList<V1Pod> pods)
    {
        var waiting = pods.Where(pod => pod.Metadata.DeletionTimestamp is null)
            .SelectMany(pod => pod.Status?.ContainerStatuses ?? [], (pod, container) => (Pod: pod.Metadata.Name, container.State?.Waiting))
            .Where(found => found.Waiting is { Reason: not null and not "ContainerCreating" and not "PodInitializing" })
            .OrderBy(found => found.Pod, StringComparer.Ordinal)
            .FirstOrDefault();
        if (waiting.Waiting is { } state)
            return $" (pod {waiting.Pod}: {state.Reason}{(string.IsNullOrEmpty(state.Message) ? "" : $", {state.Message}")})";
        var unscheduled = pods.Select(pod => pod.Status?.Conditions?.FirstOrDefault(condition => condition is { Type: "PodScheduled", Status: "False" }))
            .FirstOrDefault(condition => condition is not null);
        return unscheduled is null ? "" : $" (a pod cannot be scheduled: {unscheduled.Message})";
    }
}
