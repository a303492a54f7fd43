using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Redis.Cluster;

namespace UrlShortener.Operator.Redis;

/// <summary>Names of the objects of a region's Redis. Pure.</summary>
internal static class RedisNames
{
    /// <summary>Port of clients and of replication.</summary>
    public const int Port = 6_379;

    /// <summary>Port of the cluster bus.</summary>
    public const int BusPort = 16_379;

    /// <summary>Name of the container.</summary>
    public const string Container = "redis";

    /// <summary>Label of the pods of a shard.</summary>
    public const string ShardLabel = Labels.OwnPrefix + "shard";

    /// <summary>Last part of the name of a StatefulSet.</summary>
    public static string ShardSuffix(int shard) => $"{Names.Redis}-{shard.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Name of the headless Service, of the ConfigMap and of the objects that exist once.</summary>
    public static string Of(V1Alpha1ShortenerRegion region) => Names.Of(region.Metadata.Name, Names.Redis);

    /// <summary>Name of a shard's StatefulSet.</summary>
    public static string ShardOf(V1Alpha1ShortenerRegion region, int shard) => Names.Of(region.Metadata.Name, ShardSuffix(shard));

    /// <summary>Name in the cluster of the Service, which is in the certificate too.</summary>
    public static string HostOf(V1Alpha1ShortenerRegion region) => $"{Of(region)}.{region.Metadata.NamespaceProperty}.svc";

    /// <summary>Names in the certificate of the nodes.</summary>
    public static IReadOnlyList<string> CertificateNamesOf(V1Alpha1ShortenerRegion region) => [HostOf(region), $"*.{HostOf(region)}"];

    /// <summary>
    /// The pods that the specification asks for, and those that exist and are no longer asked for. Somebody may have scaled a StatefulSet by hand: pods that no
    /// specification can ask for are none of them.
    /// </summary>
    /// <param name="region">The region.</param>
    /// <param name="existing">Number of pods by shard, as far as they exist.</param>
    public static IReadOnlyList<RedisPod> PodsOf(V1Alpha1ShortenerRegion region, IReadOnlyDictionary<int, int> existing)
    {
        var redis = region.Spec.Redis!;
        return
        [
            .. from shard in Enumerable.Range(0, redis.Shards).Union(existing.Keys).Order()
            let wanted = shard < redis.Shards ? redis.ReplicasPerShard + 1 : 0
            from ordinal in Enumerable.Range(0, Math.Max(wanted, Math.Min(existing.GetValueOrDefault(shard), RedisSpec.MostReplicas + 1)))
            select new RedisPod
            {
                Name = PodOf(region, shard, ordinal),
                Shard = shard,
                Ordinal = ordinal,
                IsLeaving = ordinal >= wanted,
            },
        ];
    }

    /// <summary>
    /// Pods that exist as long as the region has a Redis, however it is scaled. Clients learn the others from them, so that a configuration that names these need
    /// not change.
    /// </summary>
    public static IEnumerable<string> LastingPodsOf(V1Alpha1ShortenerRegion region) =>
        from shard in Enumerable.Range(0, RedisSpec.FewestShards)
        from ordinal in Enumerable.Range(0, RedisSpec.FewestReplicas + 1)
        select PodOf(region, shard, ordinal);

    /// <summary>The shard of a StatefulSet or a pod; null: it has none.</summary>
    public static int? ShardOf(V1ObjectMeta metadata) =>
        metadata.Labels is { } labels
        && labels.TryGetValue(ShardLabel, out var text)
        && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var shard)
            ? shard
            : null;

    private static string PodOf(V1Alpha1ShortenerRegion region, int shard, int ordinal) =>
        string.Create(CultureInfo.InvariantCulture, $"{ShardOf(region, shard)}-{ordinal}");
}
