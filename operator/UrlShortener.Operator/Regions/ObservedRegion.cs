using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Regions;

/// <summary>The observed state of a region, read once per reconcile. The objects belong to the caches: do not change them.</summary>
internal sealed record ObservedRegion
{
    /// <summary>All regions of the group, this one included.</summary>
    public required IReadOnlyList<V1Alpha1ShortenerRegion> Group { get; init; }

    /// <summary>KeyPools of the region, of which one is active.</summary>
    public IReadOnlyList<V1Alpha1KeyPool> KeyPools { get; init; } = [];

    /// <summary>The existing Secrets that the specification references, by name, with digests instead of values.</summary>
    public required IReadOnlyDictionary<string, V1Secret> Secrets { get; init; }

    /// <summary>The ConfigMap with the blocklist; null: there is none.</summary>
    public V1ConfigMap? Blocklist { get; init; }

    /// <summary>The service account of the pods.</summary>
    public V1ServiceAccount? ServiceAccount { get; init; }

    /// <summary>The plain settings.</summary>
    public V1ConfigMap? Settings { get; init; }

    /// <summary>The app.</summary>
    public V1Deployment? Deployment { get; init; }

    /// <summary>The Service in front of it.</summary>
    public V1Service? Service { get; init; }

    /// <summary>Its autoscaler.</summary>
    public V2HorizontalPodAutoscaler? Autoscaler { get; init; }

    /// <summary>Its disruption budget.</summary>
    public V1PodDisruptionBudget? DisruptionBudget { get; init; }

    /// <summary>Its network policy.</summary>
    public V1NetworkPolicy? NetworkPolicy { get; init; }

    /// <summary>Its PodMonitor.</summary>
    public V1PodMonitor? PodMonitor { get; init; }

    /// <summary>Whether the cluster serves PodMonitors.</summary>
    public bool ServesPodMonitors { get; init; }

    /// <summary>When the connection to the database last changed; null: not since the start of the operator.</summary>
    public DateTimeOffset? ConnectionChangedAt { get; init; }

    /// <summary>Jobs of the region, and those of an earlier region with its name that have no owner.</summary>
    public IReadOnlyList<V1Job> Jobs { get; init; } = [];

    /// <summary>Why the API server refuses the pod of an unfinished migration; null: it does not, or there is a pod.</summary>
    public string? MigrationRefusal { get; init; }

    /// <summary>Pods of the region: of the app, and of migrations.</summary>
    public IReadOnlyList<V1Pod> Pods { get; init; } = [];

    /// <summary>Health that a pod of the app reports; null: none is ready, or it did not answer.</summary>
    public HealthResponse? Health { get; init; }

    /// <summary>Whether another look saw the same: the same instances of objects, which the caches replace with each change, and the same answers.</summary>
    /// <param name="other">What the other look saw.</param>
    public bool IsSame(ObservedRegion other) =>
        AreSame(Group, other.Group)
        && AreSame(KeyPools, other.KeyPools)
        && AreSame(Jobs, other.Jobs)
        && AreSame(Pods, other.Pods)
        && Secrets.Count == other.Secrets.Count
        && Secrets.All(secret => other.Secrets.TryGetValue(secret.Key, out var found) && ReferenceEquals(found, secret.Value))
        // All others, such as those that this record gets later.
        && this with { Group = other.Group, KeyPools = other.KeyPools, Jobs = other.Jobs, Pods = other.Pods, Secrets = other.Secrets } == other;

    private static bool AreSame<T>(IReadOnlyList<T> some, IReadOnlyList<T> others)
        where T : class
    {
        if (some.Count != others.Count)
            return false;
        for (var index = 0; index < some.Count; index++)
        {
            if (!ReferenceEquals(some[index], others[index]))
                return false;
        }

        return true;
    }
}
