using System.Collections.Concurrent;
using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Clusters;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Postgres;

namespace UrlShortener.Operator.Failover;

/// <summary>Observes the group of a region: reads the caches and asks the members that lead.</summary>
internal sealed class GroupObserver(
    Informer<V1Alpha1ShortenerRegion> regions,
    Informer<V1Pod> pods,
    Informer<V1ConfigMap> configMaps,
    Informer<V1RoleBinding> roleBindings,
    Informer<V1Secret> secrets,
    StoreCertificates certificates,
    ClusterClients clusters,
    RemoteRegions remotes
) : IDisposable
{
    // Pods of regions of other clusters as they were last read. What a guard has reported of an epoch stays true.
    private readonly ConcurrentDictionary<(string Cluster, ObjectKey Region), IReadOnlyList<V1Pod>> _remotePods = new();

    // By UID of the region, with the certificates that they use.
    private readonly Dictionary<string, MemberConnections> _connections = [];
    private readonly Lock _lock = new();

    /// <summary>Reads the caches.</summary>
    /// <param name="region">The region; it may be newer than the cache.</param>
    public ObservedGroup Observe(V1Alpha1ShortenerRegion region)
    {
        var group = regions
            .Cache.GetBy(RegionIndex.ByGroup, region.Spec.Group)
            .Where(other => other.Metadata.Uid != region.Metadata.Uid)
            .Append(region)
            .ToList();
        var place = GroupPlace.Of(region, group);
        var all = group
            .Where(other => other.Metadata.DeletionTimestamp is null && other.Spec.Postgres is not null)
            .GroupBy(other => other.Spec.Region, StringComparer.Ordinal)
            .ToDictionary(
                twins => twins.Key,
                twins => twins.OrderBy(twin => twin.Metadata.CreationTimestamp).ThenBy(twin => twin.Metadata.Uid, StringComparer.Ordinal).First(),
                StringComparer.Ordinal
            );
        var database = region.Status?.Postgres?.SystemIdentifier;
        List<V1Alpha1ShortenerRegion> members =
        [
            .. place
                .Peers.Where(peer => database is not null && peer.Status?.Postgres?.SystemIdentifier == database)
                .Append(region)
                .OrderBy(member => member.Spec.Region, StringComparer.Ordinal),
        ];
        var (space, name) = (region.Metadata.NamespaceProperty, Names.Of(region.Metadata.Name, VoterPlace.Component));
        var map = Find(configMaps, space, name);
        var places = VoterPlace.ReadGuard(VoterPlace.GuardOf(map)).ToDictionary(known => known.Key, known => known.Value, StringComparer.Ordinal);
        foreach (var member in members)
            places[member.Spec.Region] = VoterPlace.Of(member);
        var plan = WitnessPlan.Of(members, member => member.IsRemote ? remotes.Find(member)?.Region : member);
        // One that was told to the guards may vote still.
        foreach (var voter in places.Keys.Where(Witness.IsOne).Append(plan.Voter).OfType<string>().ToList())
            places[voter] = Witness.PlaceOf(region, Witness.ClusterOf(voter));
        return new ObservedGroup
        {
            Region = region,
            All = all,
            Members = members,
            Pods = places.ToDictionary(voter => voter.Key, voter => PodsOf(voter.Key, voter.Value.Namespace), StringComparer.Ordinal),
            Map = map,
            RoleBinding = Find(roleBindings, space, name),
            Places = places,
            WitnessPlan = plan,
        };
    }

    /// <summary>Makes sure that the witness can be asked.</summary>
    /// <param name="group">The group.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public async Task<ObservedGroup> FindWitnessAsync(ObservedGroup group, CancellationToken cancellationToken)
    {
        // Also while regions want different ones: the one that votes goes on.
        if (group.Region.Spec.WitnessName() is not { } witness)
            return group;
        var obstacle = await clusters.EnsureWitnessAsync(group.Region, cancellationToken);
        // The region that acts tells it for all.
        var conflict = group
            .Members.Where(member => !member.IsRemote)
            .Select(member => clusters.FindConflict(member, witness))
            .FirstOrDefault(one => one is not null);
        return group with { WitnessObstacle = conflict ?? obstacle };
    }

    /// <summary>Reads in other clusters what the caches have of this one, and what the operators there think.</summary>
    /// <param name="group">The group.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    public async Task<ObservedGroup> ReadRemoteAsync(ObservedGroup group, CancellationToken cancellationToken)
    {
        var remotes = group.Members.Where(member => member.IsRemote).ToList();
        if (remotes.Count == 0)
            return group;
        var reading = remotes.Select(async member => (Member: member, Pods: await ReadPodsAsync(member, cancellationToken))).ToList();
        var hearing = remotes
            .GroupBy(member => member.Spec.ClusterName()!, StringComparer.Ordinal)
            .Select(async cluster => (cluster.Key, Report: await ReadReportAsync(cluster.First(), cancellationToken)))
            .ToList();
        var (told, untold) = await ReadToldAsync(group, cancellationToken);
        var pods = group.Pods.ToDictionary(region => region.Key, region => region.Value, StringComparer.Ordinal);
        var unreachable = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (member, read) in await Task.WhenAll(reading))
        {
            var key = (member.Spec.ClusterName()!, ObjectKey.Of(member));
            if (read is null)
                unreachable.Add(member.Spec.Region);
            else
                _remotePods[key] = read;
            pods[member.Spec.Region] = _remotePods.GetValueOrDefault(key, []);
        }

        return group with
        {
            Pods = pods,
            Unreachable = unreachable,
            ToldByWitness = told,
            WitnessObstacle = group.WitnessObstacle ?? untold,
            Observers = (await Task.WhenAll(hearing)).ToDictionary(heard => heard.Key, heard => heard.Report, StringComparer.Ordinal),
        };
    }

    /// <summary>Tells the operators of other clusters by the witness what this one thinks.</summary>
    /// <param name="group">The group.</param>
    /// <param name="verdicts">The verdicts, by name of the region.</param>
    /// <param name="now">The time.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>Why they could not be told; null: they were, or there is no witness.</returns>
    public async Task<Obstacle?> TellWitnessAsync(
        ObservedGroup group,
        IEnumerable<KeyValuePair<string, Verdict>> verdicts,
        DateTimeOffset now,
        CancellationToken cancellationToken
    )
    {
        if (group.WitnessCluster is not { } name || clusters.Find(group.Region.Metadata.NamespaceProperty, name) is not { } cluster)
            return null;
        var answer = await cluster.AskAsync(
            async (remote, token) =>
                await remote.PatchAsync<V1ConfigMap>(
                    Witness.ObserversOf(group.Region),
                    Witness.Tell(group.OwnCluster, verdicts, now),
                    FieldManagers.Topology,
                    token
                ),
            cancellationToken
        );
        return answer.Failure is { } failure ? new Obstacle(answer.IsRefusal ? Reasons.AccessDenied : Reasons.ClusterUnreachable, failure) : null;
    }

    /// <summary>Asks the members that lead how far they are.</summary>
    /// <param name="group">The group.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    public async Task<ObservedGroup> AskAsync(ObservedGroup group, CancellationToken cancellationToken)
    {
        var answers = await Task.WhenAll(group.Members.Select(async member => (member.Spec.Region, Answer: await AskAsync(group, member, cancellationToken))));
        return group with
        {
            Leaders = answers
                .Where(answer => answer.Answer is not null)
                .ToDictionary(answer => answer.Region, answer => answer.Answer!, StringComparer.Ordinal),
        };
    }

    /// <summary>Forgets a region that is gone.</summary>
    public void Forget(V1Alpha1ShortenerRegion region)
    {
        lock (_lock)
        {
            if (_connections.Remove(region.Metadata.Uid, out var connections))
                connections.Dispose();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var connections in _connections.Values)
                connections.Dispose();
            _connections.Clear();
        }
    }

    private async Task<IReadOnlyList<V1Pod>?> ReadPodsAsync(V1Alpha1ShortenerRegion member, CancellationToken cancellationToken)
    {
        if (Find(member) is not { } cluster)
            return null;
        var selector = Labels.Text(PostgresResources.SelectorOf(member));
        var answer = await cluster.AskAsync<IReadOnlyList<V1Pod>>(
            async (remote, token) => await remote.ListAsync<V1Pod>(member.Metadata.NamespaceProperty, ("labelSelector", selector), token),
            cancellationToken
        );
        return answer.Value is { } pods ? [.. pods.OrderBy(pod => pod.Metadata.Name, StringComparer.Ordinal)] : null;
    }

    private async Task<ObserverReport?> ReadReportAsync(V1Alpha1ShortenerRegion member, CancellationToken cancellationToken)
    {
        if (Find(member) is not { } cluster)
            return null;
        var key = new ObjectKey(member.Metadata.NamespaceProperty, ObserverReport.NameOf(member));
        return ObserverReport.Of((await cluster.AskAsync((remote, token) => remote.GetAsync<V1Lease>(key, token), cancellationToken)).Value);
    }

    // What the operators of other clusters have told in that of the witness.
    private async Task<(IReadOnlyDictionary<string, ObserverReport>? Told, Obstacle? Obstacle)> ReadToldAsync(
        ObservedGroup group,
        CancellationToken cancellationToken
    )
    {
        if (group.WitnessCluster is not { } name || clusters.Find(group.Region.Metadata.NamespaceProperty, name) is not { } cluster)
            return (null, null);
        var key = Witness.ObserversOf(group.Region);
        var answer = await cluster.AskAsync((remote, token) => remote.GetAsync<V1ConfigMap>(key, token), cancellationToken);
        return answer switch
        {
            { Value: { } map } => (Witness.Hear(map), null),
            { Failure: { } failure } => (null, new Obstacle(answer.IsRefusal ? Reasons.AccessDenied : Reasons.ClusterUnreachable, failure)),
            _ => (null, WitnessRules.Missing(name, key)),
        };
    }

    private ClusterClient? Find(V1Alpha1ShortenerRegion member) => clusters.Find(member.Metadata.NamespaceProperty, member.Spec.ClusterName()!);

    private async Task<PatroniMember?> AskAsync(ObservedGroup group, V1Alpha1ShortenerRegion member, CancellationToken cancellationToken)
    {
        // Pods of other clusters are not reached from here. Their members write into their pods how far they are.
        if (member.IsRemote)
            return group.Unreachable.Contains(member.Spec.Region) ? null : RemoteMember.FindLeader(group.Pods.GetValueOrDefault(member.Spec.Region) ?? []);
        var leader = member.Status?.Postgres is { } postgres ? postgres.Primary ?? postgres.StandbyLeader : null;
        var pod = group.Pods.GetValueOrDefault(member.Spec.Region)?.FirstOrDefault(pod => pod.Metadata.Name == leader);
        return
            pod is { Status.PodIP.Length: > 0 }
            && RunningProcess.Of(pod, PostgresNames.Container) is not null
            && await ConnectAsync(member, cancellationToken) is { } connections
            ? await new PatroniClient(connections).AskAsync(pod, cancellationToken)
            : null;
    }

    private async Task<MemberConnections?> ConnectAsync(V1Alpha1ShortenerRegion member, CancellationToken cancellationToken)
    {
        var secret = Find(secrets, member.Metadata.NamespaceProperty, StoreCertificates.NameOf(member, PostgresNames.Component));
        var set = await certificates.FindAsync(member, PostgresNames.Component, secret, cancellationToken);
        lock (_lock)
        {
            var former = _connections.GetValueOrDefault(member.Metadata.Uid);
            if (set is null || former?.Set == set)
                return former;
            former?.Dispose();
            return _connections[member.Metadata.Uid] = new MemberConnections(set, PostgresNames.ServiceHostOf(member));
        }
    }

    private IReadOnlyList<V1Pod> PodsOf(string region, string space) =>
        [.. pods.Cache.GetBy(GroupIndex.ByRegion, GroupIndex.KeyOf(space, region)).OrderBy(pod => pod.Metadata.Name, StringComparer.Ordinal)];

    private static T? Find<T>(Informer<T> informer, string space, string name)
        where T : class, IKubernetesObject<V1ObjectMeta> => informer.Cache.TryGet(new ObjectKey(space, name), out var found) ? found : null;
}
