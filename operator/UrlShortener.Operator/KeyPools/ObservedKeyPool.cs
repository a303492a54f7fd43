using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.KeyPools;

/// <summary>The observed state of a pool, read once per reconcile. The objects belong to the caches: do not change them.</summary>
internal sealed record ObservedKeyPool
{
    /// <summary>All pools of the region, this one included.</summary>
    public required IReadOnlyList<V1Alpha1KeyPool> Siblings { get; init; }

    /// <summary>The region; null: there is none.</summary>
    public V1Alpha1ShortenerRegion? Region { get; init; }

    /// <summary>The existing Secrets that workers read, by name, with digests instead of values.</summary>
    public required IReadOnlyDictionary<string, V1Secret> Secrets { get; init; }

    /// <summary>The service account of the region's pods.</summary>
    public V1ServiceAccount? ServiceAccount { get; init; }

    /// <summary>The region's plain settings.</summary>
    public V1ConfigMap? Settings { get; init; }

    /// <summary>The region's app.</summary>
    public V1Deployment? App { get; init; }

    /// <summary>Jobs of the region.</summary>
    public IReadOnlyList<V1Job> Jobs { get; init; } = [];

    /// <summary>The workers.</summary>
    public V1Deployment? Deployment { get; init; }

    /// <summary>The Service in front of them.</summary>
    public V1Service? Service { get; init; }

    /// <summary>Their disruption budget.</summary>
    public V1PodDisruptionBudget? DisruptionBudget { get; init; }

    /// <summary>Their network policy.</summary>
    public V1NetworkPolicy? NetworkPolicy { get; init; }

    /// <summary>Pods of the workers.</summary>
    public IReadOnlyList<V1Pod> Pods { get; init; } = [];

    /// <summary>The answer of the workers; null: none is ready, or there is no token.</summary>
    public KgsAnswer? Answer { get; init; }

    /// <summary>The worker that answered; commands go to the same one.</summary>
    public V1Pod? AskedWorker { get; init; }

    /// <summary>State of the pool; null: not known.</summary>
    public KeyGenerationStatus? Reading => Answer?.Reading;
}
