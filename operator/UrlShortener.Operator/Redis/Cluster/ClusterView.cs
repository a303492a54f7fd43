using UrlShortener.Operator.Redis.Protocol;

namespace UrlShortener.Operator.Redis.Cluster;

/// <summary>The state of a cluster, from what all its nodes say and from their pods. Pure.</summary>
internal sealed class ClusterView
{
    private readonly Dictionary<string, RedisPod> _pods;
    private readonly Dictionary<string, NodeView> _views;
    private readonly Dictionary<string, NodeView> _byId;
    private readonly RedisMemory _memory;
    private readonly string?[] _ownersOfSlots;

    /// <param name="pods">All pods that the specification asks for, and those that it no longer asks for.</param>
    /// <param name="views">What the nodes in them say. A pod without an address has no view.</param>
    /// <param name="memory">Which process had which identity before.</param>
    public ClusterView(IReadOnlyList<RedisPod> pods, IReadOnlyList<NodeView> views, RedisMemory memory)
    {
        Pods = pods;
        _pods = pods.ToDictionary(pod => pod.Name);
        _views = views.Where(view => _pods.ContainsKey(view.Pod)).ToDictionary(view => view.Pod);
        // Of two pods with one identity, as after a copied volume, neither is believed more than the other: the first by name stands for both.
        _byId = Answering.GroupBy(view => view.Id!).ToDictionary(group => group.Key, group => group.OrderBy(view => view.Pod, StringComparer.Ordinal).First());
        _memory = memory;
        _ownersOfSlots = FindOwners();
        Owners = _ownersOfSlots
            .Index()
            .Where(slot => slot.Item is not null)
            .GroupBy(slot => slot.Item!, slot => slot.Index)
            .ToDictionary(group => group.Key, IReadOnlyList<SlotRange> (group) => SlotRange.Of(group));
    }

    /// <summary>All pods that the specification asks for, and those that it no longer asks for.</summary>
    public IReadOnlyList<RedisPod> Pods { get; }

    /// <summary>Nodes that answered in full.</summary>
    public IEnumerable<NodeView> Answering => _views.Values.Where(view => view.Answers);

    /// <summary>Whether every pod that may have a place in the cluster answered in full, so that all identities are known.</summary>
    public bool AllAnswer => Pods.Where(IsNeeded).All(pod => ViewOf(pod)?.Answers == true);

    /// <summary>
    /// Identities that own slots, with their slots. A node speaks for itself; the newest word of the others counts for nodes that do not answer. Of two claims
    /// to a slot the one with the higher epoch counts, as it does in the cluster.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyList<SlotRange>> Owners { get; }

    /// <summary>Number of slots with an owner.</summary>
    public int SlotsAssigned => Owners.Values.Sum(ranges => ranges.Sum(range => range.Count));

    /// <summary>Number of slots whose owner answers and says that the cluster works.</summary>
    public int SlotsServed => Owners.Where(owner => ViewOf(owner.Key)?.IsStateOk == true).Sum(owner => owner.Value.Sum(range => range.Count));

    /// <summary>Owners whose node answers.</summary>
    public int LivingOwners => Owners.Keys.Count(_byId.ContainsKey);

    /// <summary>Whether too few owners answer for an election: no failover can succeed, and slots without a master stay without one.</summary>
    public bool HasLostQuorum => Owners.Count > 0 && LivingOwners * 2 <= Owners.Count;

    /// <summary>The node whose knowledge is the newest; null: none answers.</summary>
    public NodeView? Viewer =>
        Answering
            .OrderByDescending(view => view.CurrentEpoch)
            .ThenByDescending(view => view.Members.Count(member => !member.IsHandshake))
            .ThenBy(view => view.Pod, StringComparer.Ordinal)
            .FirstOrDefault();

    /// <summary>What the node in a pod says; null: it was not asked.</summary>
    public NodeView? ViewOf(RedisPod pod) => _views.GetValueOrDefault(pod.Name);

    /// <summary>The node with an identity; null: none answers with it.</summary>
    public NodeView? ViewOf(string id) => _byId.GetValueOrDefault(id);

    /// <summary>The pod of a node that answered.</summary>
    public RedisPod PodOf(NodeView view) => _pods[view.Pod];

    /// <summary>The pod that has an identity, or had it last; null: not known.</summary>
    public RedisPod? PodOf(string id) =>
        _byId.TryGetValue(id, out var view) ? _pods[view.Pod]
        : _memory.Processes.TryGetValue(id, out var seen) && _pods.TryGetValue(seen.Pod, out var known) ? known
        : _pods.GetValueOrDefault(LinesOf(id).Select(line => line.HostName?.Split('.')[0]).FirstOrDefault(name => name is not null) ?? "");

    /// <summary>The owner of a shard's slots, the one with the most slots if there are several; null: none.</summary>
    public string? OwnerOf(int shard) =>
        Owners
            .Where(owner => PodOf(owner.Key)?.Shard == shard)
            .OrderByDescending(owner => owner.Value.Sum(range => range.Count))
            .ThenBy(owner => owner.Key, StringComparer.Ordinal)
            .Select(owner => owner.Key)
            .FirstOrDefault();

    /// <summary>The owner of a slot; null: none.</summary>
    public string? OwnerOfSlot(int slot) => _ownersOfSlots[slot];

    /// <summary>Number of slots of an owner.</summary>
    public int CountOf(string id) => Owners.TryGetValue(id, out var ranges) ? ranges.Sum(range => range.Count) : 0;

    /// <summary>All slots without an owner.</summary>
    public IEnumerable<int> FindUnowned() => _ownersOfSlots.Index().Where(slot => slot.Item is null).Select(slot => slot.Index);

    /// <summary>
    /// The node that the others of a shard replicate: the owner of its slots. In a shard without slots it is the master that another one replicates already,
    /// otherwise the first one by name. Null: it does not answer.
    /// </summary>
    public NodeView? LeaderOf(int shard)
    {
        if (OwnerOf(shard) is { } owner)
            return ViewOf(owner);
        var followed = Answering.Select(node => node.Self!.MasterId).ToHashSet(StringComparer.Ordinal);
        return Answering
            .Where(node => node.Self!.IsMaster && PodOf(node).Shard == shard)
            .OrderByDescending(node => followed.Contains(node.Id))
            .ThenBy(node => node.Pod, StringComparer.Ordinal)
            .FirstOrDefault();
    }

    /// <summary>Whether a node has no data and knows no other one, as one that has just been reset.</summary>
    public static bool IsAlone(NodeView node) => node.IsBlank && node.Members.Count == 1;

    /// <summary>Whether a pod matters to the cluster: the specification asks for it, or its node has a place or data.</summary>
    public bool IsNeeded(RedisPod pod)
    {
        if (!pod.IsLeaving)
            return true;
        if (ViewOf(pod) is { Answers: true } node)
            return !IsAlone(node);
        return Answering
            .SelectMany(view => view.Members)
            .Any(member => member.HostName?.Split('.')[0] == pod.Name || (_memory.Processes.TryGetValue(member.Id, out var seen) && seen.Pod == pod.Name));
    }

    /// <summary>The nodes that matter and that a node does not know, or knows at another address. Gossip usually ends that within seconds.</summary>
    public IEnumerable<NodeView> FindStrangersOf(NodeView node) =>
        Answering.Where(other => other.Id != node.Id && IsNeeded(PodOf(other)) && PodOf(other).Ip is { } ip && node.Find(other.Id!)?.Ip != ip);

    /// <summary>What a node that says that the cluster is down misses in its own eyes; empty: nothing.</summary>
    public string FindWants(NodeView node)
    {
        var owners = node.Members.Where(member => member is { IsMaster: true, Slots.Count: > 0 }).ToList();
        var unknown = SlotRange.Slots - owners.Sum(owner => owner.Slots.Sum(range => range.Count));
        var lost = owners
            .Where(owner => owner.IsSuspected)
            .Select(owner => PodOf(owner.Id)?.Name ?? $"node {owner.Id[..8]}")
            .Order(StringComparer.Ordinal)
            .ToList();
        return string.Join(
            " and ",
            new[] { unknown > 0 ? $"knows no owner of {unknown} slots" : "", lost.Count > 0 ? $"does not reach {string.Join(", ", lost)}" : "" }.Where(want =>
                want.Length > 0
            )
        );
    }

    /// <summary>
    /// Whether a member is gone for good: every pod answers with another identity, and no node replicates it. A node that is forgotten while it lives could not
    /// return for a minute; one that is forgotten while it has replicas would keep them from taking over.
    /// </summary>
    public bool IsGone(ClusterMember member) =>
        AllAnswer && !member.IsHandshake && member.IsLost && !_byId.ContainsKey(member.Id) && Answering.All(node => node.Self!.MasterId != member.Id);

    /// <summary>Why the process with an identity does not run any more; null: it may run. A node that is only silent is not dead: it may be cut off.</summary>
    /// <param name="id">The identity.</param>
    /// <param name="isStrict">Whether only the pod is proof, and not a refused connection.</param>
    public string? DeathOf(string id, bool isStrict = false)
    {
        if (_byId.ContainsKey(id))
            return null;
        if (AllAnswer)
            return "no pod has its identity";
        if (PodOf(id) is not { } pod)
            return null;
        if (pod.Death is { } death)
            return death;
        var view = ViewOf(pod);
        if (view?.Answers == true)
            return $"pod {pod.Name} has another identity";
        if (_memory.Processes.TryGetValue(id, out var seen) && seen.Process != pod.Process)
            return $"pod {pod.Name} was started again";
        // Addresses belong to one pod at a time.
        if (pod.Ip is { } ip && LinesOf(id).Any() && LinesOf(id).All(line => line.Ip.Length > 0 && line.Ip != ip))
            return $"pod {pod.Name} has another address";
        return !isStrict && view?.Reach == RedisReach.Refused ? $"pod {pod.Name} refuses connections" : null;
    }

    /// <summary>Whether the process with an identity runs and reads its data, so that it does not serve.</summary>
    public bool IsLoading(string id) => !_byId.ContainsKey(id) && PodOf(id) is { } pod && ViewOf(pod)?.IsLoading == true;

    private IEnumerable<ClusterMember> LinesOf(string id) => Answering.Select(view => view.Find(id)).OfType<ClusterMember>();

    private string?[] FindOwners()
    {
        var ids = Answering.SelectMany(view => view.Members).Where(member => member.Slots.Count > 0).Select(member => member.Id).Distinct();
        var claims = ids.Select(id => ViewOf(id)?.Self ?? LinesOf(id).MaxBy(line => line.Epoch)).OfType<ClusterMember>().Where(claim => claim.IsMaster);
        var owners = new string?[SlotRange.Slots];
        foreach (var claim in claims.OrderBy(claim => claim.Epoch).ThenByDescending(claim => claim.Id, StringComparer.Ordinal))
        {
            foreach (var range in claim.Slots)
                owners.AsSpan(range.First, range.Count).Fill(claim.Id);
        }

        return owners;
    }
}
