using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Regions;

/// <summary>All that a reconcile of a region goes by, read once. Objects are those of the caches: nobody changes them.</summary>
internal sealed record ObservedRegion
{
    /// <summary>All regions of the group, this one included.</summary>
    public required IReadOnlyList<V1Alpha1ShortenerRegion> Group { get; init; }

    /// <summary>KeyPools that name the region, of which one counts.</summary>
    public IReadOnlyList<V1Alpha1KeyPool> KeyPools { get; init; } = [];

    /// <summary>The Secrets that the specification names and that exist, by name, with digests for values.</summary>
    public required IReadOnlyDictionary<string, V1Secret> Secrets { get; init; }

    /// <summary>The ConfigMap with the blocklist; null: there is none.</summary>
    public V1ConfigMap? Blocklist { get; init; }

    /// <summary>The account of the pods.</summary>
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

    /// <summary>Jobs of the region.</summary>
    public IReadOnlyList<V1Job> Jobs { get; init; } = [];

    /// <summary>Pods of the region: of the app, and of migrations.</summary>
    public IReadOnlyList<V1Pod> Pods { get; init; } = [];

    /// <summary>What a pod of the app says of itself; null: none was there to ask, or it did not answer.</summary>
    public HealthResponse? Health { get; init; }
}
