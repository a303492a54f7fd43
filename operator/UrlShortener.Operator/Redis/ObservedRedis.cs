using k8s.Models;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Redis.Cluster;

namespace UrlShortener.Operator.Redis;

/// <summary>The objects of a region's Redis in the cache.</summary>
internal sealed record ObservedRedis
{
    /// <summary>Headless Service; null: none.</summary>
    public V1Service? Service { get; init; }

    /// <summary>Configuration and scripts; null: none.</summary>
    public V1ConfigMap? Config { get; init; }

    /// <summary>Service account; null: none.</summary>
    public V1ServiceAccount? ServiceAccount { get; init; }

    /// <summary>Disruption budgets by shard.</summary>
    public IReadOnlyDictionary<int, V1PodDisruptionBudget> DisruptionBudgets { get; init; } = new Dictionary<int, V1PodDisruptionBudget>();

    /// <summary>Network policy; null: none.</summary>
    public V1NetworkPolicy? NetworkPolicy { get; init; }

    /// <summary>Certificates, with digests instead of values; null: none.</summary>
    public V1Secret? Tls { get; init; }

    /// <summary>Password, with digests instead of values; null: none.</summary>
    public V1Secret? Auth { get; init; }

    /// <summary>Connection of the app, with digests instead of values; null: none.</summary>
    public V1Secret? Connection { get; init; }

    /// <summary>StatefulSets by shard, also of shards that the specification no longer asks for.</summary>
    public IReadOnlyDictionary<int, V1StatefulSet> Shards { get; init; } = new Dictionary<int, V1StatefulSet>();

    /// <summary>All StatefulSets that the region controls as shards of its Redis.</summary>
    public IReadOnlyList<V1StatefulSet> AllShards { get; init; } = [];

    /// <summary>Pods of the StatefulSets.</summary>
    public IReadOnlyList<V1Pod> Pods { get; init; } = [];

    /// <summary>Whether nodes exist that have to be looked after.</summary>
    public bool Exists => Shards.Count > 0 || Pods.Count > 0;

    /// <summary>Pods that do not have all labels with which they were created, and those that they lack or have with another value.</summary>
    public IEnumerable<(V1Pod Pod, IReadOnlyDictionary<string, string> Missing)> FindMissingLabels(V1Alpha1ShortenerRegion region) =>
        from pod in Pods
        where pod.Metadata.DeletionTimestamp is null
        let shard = Nodes.First(node => node.Name == pod.Metadata.Name).Shard
        let missing = RedisResources
            .LabelsOf(region, shard)
            .Where(label => pod.Metadata.Labels?.TryGetValue(label.Key, out var value) != true || value != label.Value)
            .ToDictionary()
        where missing.Count > 0
        select (pod, (IReadOnlyDictionary<string, string>)missing);

    /// <summary>Names of the region's pods by address.</summary>
    public IReadOnlyDictionary<string, string> AppPods { get; init; } = new Dictionary<string, string>();

    /// <summary>The pods that the specification asks for, and those that exist and are no longer asked for, with what is known of them.</summary>
    public IReadOnlyList<RedisPod> Nodes { get; init; } = [];
}
