using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Backups;

/// <summary>Why the Job of a run does not start or does not end. Without a limit such a Job would hold up all later ones. Pure.</summary>
/// <param name="Reason">One of <see cref="Reasons"/>.</param>
/// <param name="Text">A sentence that names the Job and the cause.</param>
/// <param name="IsOver">Whether the run counts as failed now, so that the Job is to be deleted.</param>
internal sealed record RunTrouble(string Reason, string Text, bool IsOver)
{
    /// <summary>How long a pod may take to start: large images are pulled, nodes are added and volumes attached meanwhile.</summary>
    public static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(15);

    /// <summary>How long a pod may take to end once its Job has failed. One on a node that is gone never does.</summary>
    public static readonly TimeSpan EndLimit = TimeSpan.FromMinutes(5);

    // Kubernetes creates the pod of a Job within seconds, unless something refuses it.
    private static readonly TimeSpan PodLimit = TimeSpan.FromMinutes(1);

    /// <summary>The problem of a Job that has not ended; null: none is known.</summary>
    /// <param name="job">The Job.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="image">The image of the specification.</param>
    /// <param name="now">The time.</param>
    public static RunTrouble? Of(V1Job job, ObservedBackups observed, string image, DateTimeOffset now)
    {
        var name = job.Metadata.Name;
        var pods = observed.PodsOf(job);
        if (job.Status?.Conditions?.FirstOrDefault(condition => condition is { Type: "FailureTarget" or "SuccessCriteriaMet", Status: "True" }) is { } ending)
            return IsLongerThan(EndLimit, ending.LastTransitionTime, now)
                ? new RunTrouble(Reasons.BackupFailed, $"The pod of Job {name} does not end. Its node may be gone.", IsOver: true)
                : null;
        // A pod that Kubernetes counts and the cache does not show is new, or has just been deleted.
        if (pods.Any(HasStarted) || (pods.Count == 0 && job.Status is { Active: > 0 } or { Failed: > 0 } or { Succeeded: > 0 }))
            return null;
        var isLate = IsLongerThan(StartLimit, job.Metadata.CreationTimestamp, now);
        var (reason, why, isLasting) =
            job.Spec?.Suspend == true ? (Reasons.Paused, "somebody suspended it", true)
            : PodTrouble.Find(pods, now) is { } trouble ? (trouble.Reason, trouble.Text, trouble.IsLasting)
            : pods.Count == 0
                ? (
                    Reasons.PodsRefused,
                    $"Kubernetes creates no pod for it, for example because of a quota. kubectl describe job {name} has the cause",
                    IsLongerThan(PodLimit, job.Metadata.CreationTimestamp, now)
                )
            : (Reasons.BackupFailed, $"pod {pods[0].Metadata.Name} waits, for example for a volume. kubectl describe pod has the cause", false);
        if (!isLasting && !isLate)
            return null;
        // Another image may be the answer to this problem, and a Job cannot be changed.
        var isOutdated = job.Spec?.Template?.Spec?.Containers is [{ Image: { } former }, ..] && former != image;
        var end = isLate
            ? string.Create(CultureInfo.InvariantCulture, $" The operator deleted it after {StartLimit.TotalMinutes:0} minutes.")
            : " The operator deleted it, since the image has changed.";
        return new RunTrouble(reason, $"Job {name} does not start: {why}.{(isLate || isOutdated ? end : "")}", isLate || isOutdated);
    }

    private static bool HasStarted(V1Pod pod) =>
        pod.Status?.Phase is "Succeeded" or "Failed"
        || pod.Status?.ContainerStatuses?.Any(container => container.State is { Running: not null } or { Terminated: not null }) == true;

    private static bool IsLongerThan(TimeSpan limit, DateTime? since, DateTimeOffset now) =>
        since is { } known && now.UtcDateTime - known.ToUniversalTime() > limit;
}
