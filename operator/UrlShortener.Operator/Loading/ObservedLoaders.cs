using k8s.Models;
using UrlShortener.Contracts;

namespace UrlShortener.Operator.Loading;

/// <summary>The observed state of a region's loaders, read once per reconcile. The objects belong to the caches: do not change them.</summary>
internal sealed record ObservedLoaders
{
    /// <summary>The existing Secrets that the specification references, by name, with digests instead of values.</summary>
    public required IReadOnlyDictionary<string, V1Secret> Secrets { get; init; }

    /// <summary>The service account of the region's pods.</summary>
    public V1ServiceAccount? ServiceAccount { get; init; }

    /// <summary>The plain settings of the region's pods.</summary>
    public V1ConfigMap? Settings { get; init; }

    /// <summary>The app of the region.</summary>
    public V1Deployment? App { get; init; }

    /// <summary>Jobs of the region.</summary>
    public IReadOnlyList<V1Job> Jobs { get; init; } = [];

    /// <summary>The loaders.</summary>
    public V1Deployment? Deployment { get; init; }

    /// <summary>Their disruption budget.</summary>
    public V1PodDisruptionBudget? DisruptionBudget { get; init; }

    /// <summary>Their network policy.</summary>
    public V1NetworkPolicy? NetworkPolicy { get; init; }

    /// <summary>Their pods.</summary>
    public IReadOnlyList<V1Pod> Pods { get; init; } = [];

    /// <summary>Health that ready loaders report; those that do not answer are left out.</summary>
    public IReadOnlyList<HealthResponse> Answers { get; init; } = [];

    /// <summary>Whether there is anything to remove from a region that asks for no loaders.</summary>
    public bool Exists => Deployment is not null || DisruptionBudget is not null || NetworkPolicy is not null;

    /// <summary>What the loaders say together; null: none answers.</summary>
    public LoadReading? Reading => LoadReading.Of(Answers);
}
