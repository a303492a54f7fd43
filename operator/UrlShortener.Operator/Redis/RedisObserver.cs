using System.Net;
using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Redis.Cluster;
using UrlShortener.Operator.Redis.Protocol;

namespace UrlShortener.Operator.Redis;

/// <summary>Observes the Redis of a region: reads the caches, and asks all nodes.</summary>
internal sealed class RedisObserver(
    Informer<V1Secret> secrets,
    Informer<V1ConfigMap> configMaps,
    Informer<V1ServiceAccount> serviceAccounts,
    Informer<V1StatefulSet> statefulSets,
    Informer<V1Service> services,
    Informer<V1PodDisruptionBudget> disruptionBudgets,
    Informer<V1NetworkPolicy> networkPolicies,
    Informer<V1Pod> pods,
    RedisClient client,
    ResourceClient kubernetes
)
{
    /// <summary>Index of StatefulSets by controlling object.</summary>
    public const string ByOwner = "owner";

    /// <summary>Index of pods by namespace and instance label, which the controller of regions defines.</summary>
    public const string ByInstance = "instance";

    // Time for the answers of a node. All are asked at once, so that one that is silent delays a decision about another by no more. A node that was silent gets
    // more time: it may be busy.
    private static readonly TimeSpan AskLimit = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestAskLimit = TimeSpan.FromSeconds(2);

    // A failover may wait for it.
    private static readonly TimeSpan FindLimit = TimeSpan.FromSeconds(1);

    private const string RevisionLabel = "controller-revision-hash";

    /// <summary>Reads the caches.</summary>
    public ObservedRedis Observe(V1Alpha1ShortenerRegion region)
    {
        var (space, name) = (region.Metadata.NamespaceProperty, RedisNames.Of(region));
        var owned = statefulSets.Cache.GetBy(ByOwner, region.Metadata.Uid).Where(set => Labels.ComponentOf(set.Metadata) == Names.Redis).ToList();
        var observed = new ObservedRedis
        {
            Service = Find(services, space, name),
            Config = Find(configMaps, space, name),
            ServiceAccount = Find(serviceAccounts, space, name),
            // Those of shards that are no longer asked for too.
            DisruptionBudgets = owned
                .Select(set => RedisNames.ShardOf(set.Metadata))
                .OfType<int>()
                .Union(Enumerable.Range(0, region.Spec.Redis?.Shards ?? 0))
                .Select(shard => (Shard: shard, Budget: Find(disruptionBudgets, space, RedisNames.ShardOf(region, shard))))
                .Where(found => found.Budget is not null)
                .ToDictionary(found => found.Shard, found => found.Budget!),
            NetworkPolicy = Find(networkPolicies, space, name),
            Tls = Find(secrets, space, StoreCertificates.NameOf(region, Names.Redis)),
            Auth = Find(secrets, space, Names.Of(region.Metadata.Name, RedisResources.AuthSuffix)),
            Connection = Find(secrets, space, Names.Of(region.Metadata.Name, RedisResources.ConnectionSuffix)),
            AllShards = owned,
        };
        if (region.Spec.Redis is not { } redis)
            return observed;
        // Those of shards that are no longer asked for too.
        var shards = owned
            .Where(set =>
                set.Metadata.DeletionTimestamp is null
                && RedisNames.ShardOf(set.Metadata) is { } shard and < RedisSpec.MostShards
                && set.Metadata.Name == RedisNames.ShardOf(region, shard)
            )
            .ToDictionary(set => RedisNames.ShardOf(set.Metadata)!.Value);
        for (var shard = 0; shard < redis.Shards; shard++)
        {
            if (Find(statefulSets, space, RedisNames.ShardOf(region, shard)) is { } set)
                shards[shard] = set;
        }

        var existing = shards.ToDictionary(set => set.Key, set => set.Value.Spec?.Replicas ?? 0);
        var all = pods.Cache.GetBy(ByInstance, $"{space}/{Labels.InstanceValue(region.Metadata.Name)}").ToList();
        var byName = all.ToDictionary(pod => pod.Metadata.Name);
        // Also if somebody has deleted their StatefulSet and not them, or removed labels: they run on, and are not gone.
        var found = RedisNames
            .PodsOf(region, existing)
            .Select(node => (Node: node, Pod: byName.GetValueOrDefault(node.Name) is { } pod && IsOf(region, node, pod) ? pod : null))
            .ToList();
        return observed with
        {
            Shards = shards,
            Pods = [.. found.Select(one => one.Pod).OfType<V1Pod>()],
            AppPods = all.Where(pod => pod.Status?.PodIP is { Length: > 0 })
                .DistinctBy(pod => pod.Status.PodIP)
                .ToDictionary(pod => pod.Status.PodIP, pod => pod.Metadata.Name, StringComparer.Ordinal),
            Nodes = [.. found.Select(one => Describe(one.Node, one.Pod, shards.GetValueOrDefault(one.Node.Shard)))],
        };
    }

    /// <summary>
    /// Looks for pods that the cache does not have. Without their labels they are not in it, and run on: their nodes are not gone. Nor may the cache be late when
    /// it decides about a failover.
    /// </summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">What the caches have.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    public async Task<ObservedRedis> FindHiddenAsync(V1Alpha1ShortenerRegion region, ObservedRedis observed, CancellationToken cancellationToken)
    {
        var hidden = new Dictionary<string, V1Pod>();
        using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        foreach (var node in observed.Nodes.Where(node => observed.Shards.ContainsKey(node.Shard) && observed.Pods.All(pod => pod.Metadata.Name != node.Name)))
        {
            timed.CancelAfter(FindLimit);
            try
            {
                var pod = await kubernetes.GetAsync<V1Pod>(new ObjectKey(region.Metadata.NamespaceProperty, node.Name), timed.Token);
                if (pod is not null && IsOf(region, node, pod))
                    hidden[node.Name] = pod;
            }
            catch (Exception error)
                when (error is ApiException or TimeoutException or HttpRequestException or OperationCanceledException
                    && !cancellationToken.IsCancellationRequested
                )
            {
                // Without an API server a failover goes by the cache: the cluster must not wait for it.
                break;
            }
        }

        return hidden.Count == 0
            ? observed
            : observed with
            {
                Pods = [.. observed.Pods, .. hidden.Values],
                Nodes =
                [
                    .. observed.Nodes.Select(node =>
                        hidden.TryGetValue(node.Name, out var pod) ? Describe(node, pod, observed.Shards.GetValueOrDefault(node.Shard)) : node
                    ),
                ],
            };
    }

    /// <summary>Whether a pod with the name of a node's pod is that one: its StatefulSet controls it, or nothing does. Pure.</summary>
    public static bool IsOf(V1Alpha1ShortenerRegion region, RedisPod node, V1Pod pod) =>
        PodOwner.IsOfStatefulSet(pod, RedisNames.ShardOf(region, node.Shard))
        || (PodOwner.IsOrphan(pod) && pod.Spec?.Containers?.Any(container => container.Name == RedisNames.Container) == true);

    /// <summary>Asks all nodes that have an address.</summary>
    /// <param name="nodes">The pods.</param>
    /// <param name="access">Password and certificates.</param>
    /// <param name="memory">How often each was silent.</param>
    /// <param name="cancellationToken">Ends the questions.</param>
    public async Task<IReadOnlyList<NodeView>> AskAsync(
        IReadOnlyList<RedisPod> nodes,
        RedisAccess access,
        RedisMemory memory,
        CancellationToken cancellationToken
    ) =>
        await Task.WhenAll(
            nodes
                .Where(node => node.Ip is not null)
                .Select(async node =>
                    NodeView.Of(
                        node.Name,
                        await client.SendAsync(
                            AddressOf(node),
                            access,
                            LimitOf(memory.Silences.GetValueOrDefault(node.Name)),
                            NodeView.Questions,
                            cancellationToken
                        )
                    )
                )
        );

    private static TimeSpan LimitOf(int silences) => AskLimit * Math.Pow(2, silences) is var limit && limit < LongestAskLimit ? limit : LongestAskLimit;

    /// <summary>Where a node listens.</summary>
    public static IPEndPoint AddressOf(RedisPod node) => new(IPAddress.Parse(node.Ip!), RedisNames.Port);

    /// <summary>What is known of a pod. Pure.</summary>
    public static RedisPod Describe(RedisPod node, V1Pod? pod, V1StatefulSet? set)
    {
        if (pod is null)
            return node with { Death = $"pod {node.Name} does not exist" };
        var container = pod.Status?.ContainerStatuses?.FirstOrDefault(status => status.Name == RedisNames.Container);
        // The container that runs, otherwise the last one that ran: another one proves that the former has ended.
        var process = new RunningProcess(node.Name, pod.Metadata.Uid, RedisNames.Container, container?.ContainerID, pod.Spec?.NodeName);
        var revision = pod.Metadata.Labels?.TryGetValue(RevisionLabel, out var label) == true ? label : null;
        return node with
        {
            Process = container?.ContainerID is { Length: > 0 } id ? $"{pod.Metadata.Uid}/{id}" : null,
            Ip = IPAddress.TryParse(pod.Status?.PodIP, out _) ? pod.Status!.PodIP : null,
            Domain = pod.Metadata.Labels?.TryGetValue(PodParts.Zone, out var zone) == true ? zone : pod.Spec?.NodeName,
            IsTerminating = pod.Metadata.DeletionTimestamp is not null,
            IsOutdated =
                set?.Status is { UpdateRevision: { Length: > 0 } wanted } status
                && status.ObservedGeneration == set.Metadata.Generation
                && revision is not null
                && revision != wanted,
            Death = DeathProof.Of(process, pod),
        };
    }

    private static T? Find<T>(Informer<T> informer, string space, string name)
        where T : class, IKubernetesObject<V1ObjectMeta> => informer.Cache.TryGet(new ObjectKey(space, name), out var found) ? found : null;
}
