using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Conditions;

namespace UrlShortener.Operator.Pods;

/// <summary>Why a pod does not start or does not continue, in the words of the kubelet, the scheduler or the container. Pure.</summary>
/// <param name="Reason">One of <see cref="Reasons"/>.</param>
/// <param name="Text">A sentence without a full stop that names the pod and the cause.</param>
/// <param name="IsLasting">Whether it persists, unlike a short phase of a start.</param>
internal sealed record PodTrouble(string Reason, string Text, bool IsLasting)
{
    /// <summary>How long a pod may wait for a node before that counts as lasting: some clusters add nodes on demand.</summary>
    public static readonly TimeSpan SchedulingLimit = TimeSpan.FromSeconds(30);

    /// <summary>The problem of the newest pod that has one, lasting problems first; null: none.</summary>
    /// <param name="pods">Pods of one component that should run.</param>
    /// <param name="now">The time.</param>
    public static PodTrouble? Find(IEnumerable<V1Pod> pods, DateTimeOffset now) =>
        pods.Where(pod => pod.Metadata.DeletionTimestamp is null && pod.Status?.Phase is not ("Failed" or "Succeeded"))
            .OrderByDescending(pod => pod.Metadata.CreationTimestamp)
            .ThenBy(pod => pod.Metadata.Name, StringComparer.Ordinal)
            .Select(pod => Of(pod, now))
            .OfType<PodTrouble>()
            .OrderByDescending(trouble => trouble.IsLasting)
            .FirstOrDefault();

    /// <summary>A text in parentheses with a leading space; empty: nothing is known.</summary>
    public static string Explain(IEnumerable<V1Pod> pods, DateTimeOffset now) => Find(pods, now) is { } trouble ? $" ({trouble.Text})" : "";

    /// <summary>How the newest failed pod of a Job ended; null: none failed.</summary>
    /// <param name="pods">Pods of the Job.</param>
    public static string? FindFailure(IEnumerable<V1Pod> pods) =>
        pods.Where(pod => pod.Status?.Phase == "Failed")
            .OrderByDescending(pod => pod.Metadata.CreationTimestamp)
            .ThenBy(pod => pod.Metadata.Name, StringComparer.Ordinal)
            .Select(pod =>
                ContainersOf(pod).Select(container => EndOf(container.State?.Terminated)).FirstOrDefault(end => end is not null)
                ?? Cleaned(pod.Status.Reason, pod.Status.Message)
                ?? "its container ended without a message"
            )
            .FirstOrDefault();

    private static PodTrouble? Of(V1Pod pod, DateTimeOffset now)
    {
        var found = ContainersOf(pod).Select(container => Of(pod.Metadata.Name, container)).FirstOrDefault(trouble => trouble is not null);
        if (found is not null)
            return found;
        if (pod.Status?.Conditions?.FirstOrDefault(condition => condition is { Type: "PodScheduled", Status: "False" }) is not { } unscheduled)
            return null;
        var since = unscheduled.LastTransitionTime?.ToUniversalTime() ?? pod.Metadata.CreationTimestamp?.ToUniversalTime() ?? now.UtcDateTime;
        return new PodTrouble(
            Reasons.Unschedulable,
            $"pod {pod.Metadata.Name} cannot be scheduled: {LastWords.Clean(unscheduled.Message ?? "the scheduler gives no reason")}",
            now.UtcDateTime - since >= SchedulingLimit
        );
    }

    private static PodTrouble? Of(string pod, V1ContainerStatus container)
    {
        var (waiting, ended) = (container.State?.Waiting, container.State?.Terminated ?? container.LastState?.Terminated);
        if (waiting?.Reason is { } reason and not ("ContainerCreating" or "PodInitializing" or "CrashLoopBackOff"))
            return new PodTrouble(ReasonOf(reason), $"pod {pod}: {Cleaned(reason, waiting.Message)}", IsLasting: true);
        // Also between two starts and until the next one is ready; otherwise the problem would appear and disappear.
        var isCrashing = waiting?.Reason == "CrashLoopBackOff" || (!container.Ready && EndOf(ended) is not null);
        return isCrashing
            ? new PodTrouble(
                Reasons.CrashLoopBackOff,
                $"pod {pod}: {EndOf(ended) ?? Cleaned(waiting?.Reason, waiting?.Message) ?? "its container ends again and again"}",
                container.RestartCount > 0 || waiting is not null
            )
            : null;
    }

    // The reasons of a failing pull alternate.
    private static string ReasonOf(string reason) =>
        reason switch
        {
            "ErrImagePull" or "ImagePullBackOff" or "ErrImageNeverPull" or "InvalidImageName" or "ImageInspectError" or "RegistryUnavailable" =>
                Reasons.ImagePullBackOff,
            "SignatureValidationFailed" => Reasons.ImagePullBackOff,
            "CreateContainerConfigError" => Reasons.CreateContainerConfigError,
            _ => Reasons.CreateContainerError,
        };

    // The exit code, and the last sentence of the container. Null: it did not fail.
    private static string? EndOf(V1ContainerStateTerminated? ended)
    {
        if (ended is null || ended is { ExitCode: 0, Reason: not "OOMKilled" })
            return null;
        var how = ended.Reason is null or "Error" or "Completed"
            ? string.Create(CultureInfo.InvariantCulture, $"exit code {ended.ExitCode}")
            : string.Create(CultureInfo.InvariantCulture, $"{LastWords.Clean(ended.Reason)}, exit code {ended.ExitCode}");
        return LastWords.Find(ended.Message) is { } words ? $"{how}: {words}" : how;
    }

    private static string? Cleaned(string? reason, string? message) =>
        (reason, message) switch
        {
            (null or "", null or "") => null,
            (_, null or "") => LastWords.Clean(reason!),
            (null or "", _) => LastWords.Clean(message),
            _ => $"{LastWords.Clean(reason)}, {LastWords.Clean(message)}",
        };

    private static IEnumerable<V1ContainerStatus> ContainersOf(V1Pod pod) =>
        (pod.Status?.InitContainerStatuses ?? []).Concat(pod.Status?.ContainerStatuses ?? []).OrderBy(status => status.Name != RuntimePod.Container);
}
