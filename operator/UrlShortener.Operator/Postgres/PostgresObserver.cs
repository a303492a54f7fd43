using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Clusters;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Postgres;

/// <summary>Observes the PostgreSQL of a region: reads the caches and asks the members.</summary>
internal sealed class PostgresObserver(
    Informer<V1Alpha1ShortenerRegion> regions,
    Informer<V1Secret> secrets,
    Informer<V1ConfigMap> configMaps,
    Informer<V1ServiceAccount> serviceAccounts,
    Informer<V1RoleBinding> roleBindings,
    Informer<V1Service> services,
    Informer<V1PodDisruptionBudget> disruptionBudgets,
    Informer<V1NetworkPolicy> networkPolicies,
    Informer<V1StatefulSet> statefulSets,
    Informer<V1Pod> pods,
    RemoteRegions remotes
)
{
    /// <summary>Reads the observed state.</summary>
    /// <param name="region">The region.</param>
    /// <param name="connections">Connections to the members; null: none are asked.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    public async Task<ObservedPostgres> ObserveAsync(V1Alpha1ShortenerRegion region, MemberConnections? connections, CancellationToken cancellationToken)
    {
        var (space, name, scope) = (region.Metadata.NamespaceProperty, region.Metadata.Name, PostgresNames.ScopeOf(region));
        var all = pods.Cache.GetBy(PodIndex.ByInstance, PodIndex.InstanceKey(space, Labels.InstanceValue(name))).ToList();
        List<V1Pod> members =
        [
            .. all.Where(pod => Labels.ComponentOf(pod.Metadata) == PostgresNames.Component && PodOwner.IsOfStatefulSet(pod, scope))
                .OrderBy(pod => pod.Metadata.Name, StringComparer.Ordinal),
        ];
        var (configuration, leader) = (Find(configMaps, space, PostgresNames.ConfigOf(region)), Find(configMaps, space, PostgresNames.LeaderOf(region)));
        var (synchrony, failsafe) = (Find(configMaps, space, PostgresNames.SyncOf(region)), Find(configMaps, space, PostgresNames.FailsafeOf(region)));
        var failover = Find(configMaps, space, PostgresNames.FailoverOf(region));
        // What this region was given may be newer than the cache.
        List<V1Alpha1ShortenerRegion> group =
        [
            .. regions.Cache.GetBy(RegionIndex.ByGroup, region.Spec.Group).Where(other => other.Metadata.Uid != region.Metadata.Uid),
            region,
        ];
        var source = GroupPlace.Of(region, group).Source;
        var answers = connections is null ? new Dictionary<string, PatroniMember>() : await AskAsync(connections, members, cancellationToken);
        var observed = new ObservedPostgres
        {
            Group = group,
            SourcePassword =
                source is null ? null
                : source.IsRemote ? SecretDigests.Of(remotes.Find(source)?.Password)
                : Find(secrets, source.Metadata.NamespaceProperty, PostgresNames.PasswordOf(source)),
            ClusterAccess = Find(secrets, space, ClusterAccess.NameOf(region)),
            ServiceAccount = Find(serviceAccounts, space, scope),
            RoleBinding = Find(roleBindings, space, scope),
            Settings = Find(configMaps, space, Names.Of(name, $"{PostgresNames.Component}-settings")),
            HeadlessService = Find(services, space, scope),
            PrimaryService = Find(services, space, Names.Of(name, $"{PostgresNames.Component}-rw")),
            ReplicaService = Find(services, space, Names.Of(name, $"{PostgresNames.Component}-ro")),
            DisruptionBudget = Find(disruptionBudgets, space, scope),
            NetworkPolicy = Find(networkPolicies, space, scope),
            StatefulSet = Find(statefulSets, space, scope),
            Certificates = Find(secrets, space, StoreCertificates.NameOf(region, PostgresNames.Component)),
            Password = Find(secrets, space, PostgresNames.PasswordOf(region)),
            Connection = Find(secrets, space, StoreConnections.PostgresOf(region)!.Name),
            Lock = PatroniLock.Of(leader),
            Configuration = configuration,
            Synchrony = synchrony,
            PatroniMaps = [.. new[] { configuration, leader, synchrony, failsafe, failover }.OfType<V1ConfigMap>()],
            Pods = members,
            AppPods = all.Where(pod => pod.Status?.PodIP is { Length: > 0 })
                .DistinctBy(pod => pod.Status.PodIP)
                .ToDictionary(pod => pod.Status.PodIP, pod => pod.Metadata.Name, StringComparer.Ordinal),
            Members = answers,
        };
        return connections is not null && observed.Primary is { } primary && GroupPlace.Of(region, group) is { IsSource: true, Peers.Count: > 0 }
            ? observed with
            {
                Slots = await RegionSlots.ReadAsync(observed.PodOf(primary.Name)!, connections, cancellationToken),
            }
            : observed;
    }

    private static async Task<Dictionary<string, PatroniMember>> AskAsync(
        MemberConnections connections,
        IEnumerable<V1Pod> members,
        CancellationToken cancellationToken
    )
    {
        var client = new PatroniClient(connections);
        var answers = await Task.WhenAll(
            members
                .Where(pod => RunningProcess.Of(pod, PostgresNames.Container) is not null && pod.Status.PodIP is { Length: > 0 })
                .Select(async pod => (pod.Metadata.Name, Answer: await client.AskAsync(pod, cancellationToken)))
        );
        return answers.Where(answer => answer.Answer is not null).ToDictionary(answer => answer.Name, answer => answer.Answer!);
    }

    private static T? Find<T>(Informer<T> informer, string space, string name)
        where T : class, IKubernetesObject<V1ObjectMeta> => informer.Cache.TryGet(new ObjectKey(space, name), out var found) ? found : null;
}
