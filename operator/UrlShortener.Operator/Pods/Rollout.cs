using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;

namespace UrlShortener.Operator.Pods;

/// <summary>How far a Deployment is with the specification that the operator has for it.</summary>
internal enum Rollout
{
    /// <summary>It does not have the specification yet.</summary>
    Pending,

    /// <summary>Pods of an earlier specification are left, or the Deployment controller has not seen the current one.</summary>
    Running,

    /// <summary>All pods are of the specification. Some may not serve yet.</summary>
    Done,
}

/// <summary>Compares Deployments with their specifications. Pure.</summary>
internal static class Rollouts
{
    /// <summary>How far a Deployment is.</summary>
    /// <param name="live">The Deployment; null: there is none.</param>
    /// <param name="desired">The one that the operator applies. Additions of other clients to the live one are ignored.</param>
    public static Rollout Of(V1Deployment? live, V1Deployment desired)
    {
        if (live is null || !Owned.IsApplied(live, desired))
            return Rollout.Pending;
        var status = live.Status;
        return (status?.ObservedGeneration ?? 0) >= (live.Metadata.Generation ?? 0) && (status?.UpdatedReplicas ?? 0) == (status?.Replicas ?? 0)
            ? Rollout.Done
            : Rollout.Running;
    }

    /// <summary>
    /// Whether the Deployment allows the object to be ready. Once ready for its generation, the object stays ready while pods are added, moved or
    /// restarted.
    /// </summary>
    /// <param name="rollout">Progress of its Deployment.</param>
    /// <param name="former">Its previous conditions.</param>
    /// <param name="generation">Its generation.</param>
    /// <param name="isSuspended">Whether the operator changes nothing.</param>
    public static bool IsSettled(Rollout rollout, IReadOnlyList<V1Condition>? former, long? generation, bool isSuspended) =>
        rollout == Rollout.Done
        || (
            (rollout == Rollout.Running || isSuspended)
            && former?.Any(condition => condition is { Type: ConditionTypes.Ready, Status: "True" } && condition.ObservedGeneration == generation) == true
        );

    /// <summary>Why the pods of a Deployment do not run, or cannot be created; null: they run, or nothing is known yet.</summary>
    /// <param name="live">The Deployment.</param>
    /// <param name="pods">Its pods.</param>
    /// <param name="now">The time.</param>
    public static (string Reason, string Text)? FindTrouble(V1Deployment? live, IEnumerable<V1Pod> pods, DateTimeOffset now) =>
        PodTrouble.Find(pods, now) is { IsLasting: true } trouble ? (trouble.Reason, trouble.Text)
        : Find(live, "ReplicaFailure", "True") is { } refused ? (Reasons.PodsRefused, LastWords.Clean(refused.Message ?? ""))
        : null;

    /// <summary>The obstacle if somebody paused the Deployment; null: it is not paused.</summary>
    public static Obstacle? FindPause(V1Deployment? live) =>
        live?.Spec?.Paused == true
            ? new Obstacle(
                Reasons.Paused,
                $"Deployment {live.Metadata.Name} is paused, and its pods are not of the current specification. Run: kubectl rollout resume "
                    + $"deployment/{live.Metadata.Name}."
            )
            : null;

    /// <summary>Why the API server refuses new pods of the Deployment, in parentheses with a leading space; empty: it does not.</summary>
    public static string ExplainRefusal(V1Deployment? live) =>
        Find(live, "ReplicaFailure", "True") is { Message: { } message } ? $" ({LastWords.Clean(message)})" : "";

    /// <summary>Whether the Deployment controller gave up waiting for a rollout.</summary>
    public static bool IsStuck(V1Deployment? live) => Find(live, "Progressing", "False") is not null;

    private static V1DeploymentCondition? Find(V1Deployment? live, string type, string status) =>
        live?.Status?.Conditions?.FirstOrDefault(condition => condition.Type == type && condition.Status == status);
}
