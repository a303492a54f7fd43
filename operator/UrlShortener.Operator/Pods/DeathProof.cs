using k8s.Models;

namespace UrlShortener.Operator.Pods;

/// <summary>
/// Decides whether a process of a pod is proven dead: only the kubelet that has ended it can tell. A pod or a node that is not ready proves nothing, because the
/// node may only be cut off. Neither does a pod that is gone or has a successor: after a deletion by force its process runs until the kubelet learns of it. Pure.
/// </summary>
internal static class DeathProof
{
    /// <summary>Why a process is proven dead; null: it is not.</summary>
    /// <param name="process">The process as it last was known to run.</param>
    /// <param name="pod">The pod with its name now; null: none.</param>
    public static string? Of(RunningProcess process, V1Pod? pod)
    {
        if (pod is null || pod.Metadata.Uid != process.PodUid)
            return null;
        var container = pod.Status?.ContainerStatuses?.FirstOrDefault(status => status.Name == process.Container);
        if (container?.State?.Terminated is { } ended)
            return $"its container ended with exit code {ended.ExitCode}";
        return container?.ContainerID is { } id && process.ContainerId is { } former && id != former ? "its container was started again"
            : container is { State.Waiting: not null, LastState.Terminated: { } last } ? $"its container ended with exit code {last.ExitCode}"
            : null;
    }
}

/// <summary>A process of a container, by what distinguishes it from its successor in the same pod, or in another pod with the same name.</summary>
/// <param name="Pod">Name of its pod.</param>
/// <param name="PodUid">UID of its pod.</param>
/// <param name="Container">Name of its container.</param>
/// <param name="ContainerId">Id of its container; null: not known.</param>
/// <param name="Node">Its node; null: not known.</param>
internal sealed record RunningProcess(string Pod, string PodUid, string Container, string? ContainerId, string? Node)
{
    /// <summary>The process that runs in a pod; null: none does.</summary>
    public static RunningProcess? Of(V1Pod pod, string container) =>
        pod.Status?.ContainerStatuses?.FirstOrDefault(status => status.Name == container) is { State.Running: not null } running
            ? new RunningProcess(pod.Metadata.Name, pod.Metadata.Uid, container, running.ContainerID, pod.Spec?.NodeName)
            : null;
}
