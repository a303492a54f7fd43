using System.Globalization;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Redis.Cluster;

namespace UrlShortener.Operator.Redis;

/// <summary>The next steps for a cluster, computed from its specification and its state. Pure.</summary>
internal sealed record RedisPlan
{
    /// <summary>How long a majority of the masters must be gone before a replica takes over without a vote.</summary>
    public static readonly TimeSpan TakeoverDelay = TimeSpan.FromSeconds(10);

    /// <summary>How long a master may read its data before its replica takes over.</summary>
    public static readonly TimeSpan LoadingLimit = TimeSpan.FromSeconds(2);

    /// <summary>How often placement may move a master.</summary>
    public static readonly TimeSpan PlacementInterval = TimeSpan.FromMinutes(1);

    // A handshake takes a second, a new link to a master up to a second and the copy of the data.
    private static readonly TimeSpan MeetInterval = TimeSpan.FromSeconds(3);

    // How long a node may not know another one.
    private static readonly TimeSpan GossipLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ReplicateInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ConfigureInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RestartInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RetireInterval = TimeSpan.FromSeconds(1);
    private const int LinkDownLimit = 3;
    private const int SlotSteps = 512;

    // Nodes that hear late of each other refuse a move for a moment.
    private static readonly TimeSpan MoveFailureLimit = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Steps to take now. Each is safe to repeat. Of a specification that is not applied, only those that keep the nodes serving that run: failovers, and
    /// repairs of addresses and links.
    /// </summary>
    public IReadOnlyList<RedisAction> Actions { get; init; } = [];

    /// <summary>What is missing until the cluster is as specified; null: nothing.</summary>
    public string? Missing { get; init; }

    /// <summary>Why a step that is needed cannot be taken; null: none is held up.</summary>
    public Obstacle? Obstacle { get; init; }

    /// <summary>What remains to do until the cluster has the shards and replicas that are asked for; null: nothing.</summary>
    public string? Scaling { get; init; }

    /// <summary>Number of slots that have to move.</summary>
    public int SlotsToMove { get; init; }

    /// <summary>
    /// Number of pods by shard. Those that are no longer asked for are in it until the cluster does not need them; a shard that is not in it has none.
    /// </summary>
    public IReadOnlyDictionary<int, int> Shards { get; init; } = new Dictionary<int, int>();

    /// <summary>Computes the plan.</summary>
    /// <param name="spec">The specification.</param>
    /// <param name="view">The state.</param>
    /// <param name="memory">What the operator did before.</param>
    /// <param name="now">The time.</param>
    /// <param name="applies">Whether the specification is applied: it is valid, and the region is not suspended.</param>
    public static RedisPlan Of(RedisSpec spec, ClusterView view, RedisMemory memory, DateTimeOffset now, bool applies)
    {
        var steps = FindSteps(spec, view, now, memory, applies).ToList();
        var missing = FindMissing(view);
        var toMove = view.Owners.Count > 0 ? SlotPlan.CountMoves(spec, view) : 0;
        return new RedisPlan
        {
            Actions = [.. steps.Where(step => !memory.DidWithin(step.Act, IntervalOf(step, spec), now))],
            Missing = missing,
            Obstacle = FindObstacle(view) ?? (missing is null && toMove > 0 ? FindHeldUp(steps, memory, now) : null) ?? FindStranded(view, missing),
            Scaling = view.Owners.Count > 0 ? FindScaling(view, toMove) : null,
            SlotsToMove = toMove,
            Shards = CountPods(view, missing, memory),
        };
    }

    // The first kind of step that is needed. Later ones build on its effect, and would be decided on what is outdated.
    private static IEnumerable<RedisAction> FindSteps(RedisSpec spec, ClusterView view, DateTimeOffset now, RedisMemory memory, bool applies)
    {
        var failovers = FindFailovers(spec, view, memory, now).ToList();
        if (failovers.Count > 0)
            return failovers;
        // Nothing serves yet, and a new cluster is formed by its specification.
        if (!applies && view.Owners.Count == 0)
            return [];
        if (
            applies
            && view.FindUnowned().ToList() is { Count: > 0 } unowned
            && view.AllAnswer
            && FindSlots(spec, view, unowned).ToList() is { Count: > 0 } slots
        )
            return slots;
        IReadOnlyList<RedisAction> meetings = [.. FindMeetings(view, memory, now)];
        // Links to masters can be repaired while other addresses are still unknown.
        IReadOnlyList<RedisAction> links = [.. FindLinks(view)];
        if (meetings.Count + links.Count > 0)
            return [.. meetings, .. links];
        if (!applies)
            return [];
        IReadOnlyList<RedisAction> gone = [.. FindForgotten(view)];
        if (gone.Count > 0)
            return gone;
        IReadOnlyList<RedisAction> settings = [.. FindSettings(spec, view)];
        if (settings.Count > 0)
            return settings;
        var missing = FindMissing(view);
        var isQuiet = missing is null && !view.Pods.Any(pod => pod.IsTerminating && view.IsNeeded(pod));
        var held = memory.HeldSlots.Keys.ToHashSet();
        if (isQuiet && SlotPlan.FindOpen(view, held) is { } open)
            return [open];
        if (FindUpdate(view, missing).Concat(FindPlacement(view, missing)).FirstOrDefault() is { } step)
            return [step];
        if (!isQuiet)
            return [];
        if (FindHandOver(view) is { } handOver)
            return [handOver];
        if (SlotPlan.FindMove(spec, view, held) is { } move)
            return [move];
        return [.. FindRetired(view, memory)];
    }

    private static TimeSpan IntervalOf(RedisAction step, RedisSpec spec) =>
        step switch
        {
            // A master votes once in twice the node timeout for the replicas of a shard.
            RedisAction.Failover { Cause: FailoverCause.Placement } => PlacementInterval,
            RedisAction.Failover => TimeSpan.FromMilliseconds(2 * spec.NodeTimeoutMillis),
            RedisAction.Restart => RestartInterval,
            RedisAction.Configure => ConfigureInterval,
            RedisAction.Meet => MeetInterval,
            RedisAction.Replicate => ReplicateInterval,
            RedisAction.Retire => RetireInterval,
            _ => TimeSpan.Zero,
        };

    private static IEnumerable<RedisAction> FindFailovers(RedisSpec spec, ClusterView view, RedisMemory memory, DateTimeOffset now)
    {
        if (!spec.AssistedFailover)
            yield break;
        var lost = view.Owners.Keys.Where(id => view.ViewOf(id) is null).OrderBy(id => id, StringComparer.Ordinal).ToList();
        var takesOver = view.HasLostQuorum && memory.QuorumLostSince + TakeoverDelay <= now && lost.All(id => view.DeathOf(id, isStrict: true) is not null);
        if (view.HasLostQuorum && !takesOver)
            yield break;
        foreach (var id in lost)
        {
            if (CauseOf(view, id, memory, now) is not { } cause || view.PodOf(id) is not { } pod || FindHeir(view, id) is not { } heir)
                continue;
            yield return takesOver
                ? new RedisAction.Failover(heir.Pod, FailoverKind.Takeover, FailoverCause.Takeover, pod.Shard, id, pod.Name, cause)
                : new RedisAction.Failover(heir.Pod, FailoverKind.Force, FailoverCause.Assisted, pod.Shard, id, pod.Name, cause);
            // Each takeover changes who may vote. With a majority again, the next one is a vote.
            if (takesOver)
                yield break;
        }
    }

    private static string? CauseOf(ClusterView view, string id, RedisMemory memory, DateTimeOffset now) =>
        view.DeathOf(id)
        ?? (
            view.IsLoading(id) && memory.Lost.TryGetValue(id, out var since) && now - since >= LoadingLimit
                ? string.Create(CultureInfo.InvariantCulture, $"pod {view.PodOf(id)!.Name} has read its data for {(now - since).TotalSeconds:0} s")
                : null
        );

    // The replica with the newest data. One that has never had its master's data takes over only if nobody can have them any more.
    private static NodeView? FindHeir(ClusterView view, string masterId) =>
        view
            .Answering.Where(node => node.Self!.MasterId == masterId && !view.PodOf(node).IsTerminating)
            .Where(node => node.IsLinkUp || node.LinkDownSeconds >= 0 || node.Keys > 0 || view.AllAnswer)
            .OrderByDescending(node => node.Offset)
            .ThenBy(node => node.Pod, StringComparer.Ordinal)
            .FirstOrDefault();

    // One node meets all others, and gossip does the rest. A node that does not hear of another one by it meets that one itself. A node that is no longer asked for
    // and has no part in the cluster gets none.
    private static IEnumerable<RedisAction> FindMeetings(ClusterView view, RedisMemory memory, DateTimeOffset now)
    {
        if (view.Viewer is not { } viewer)
            return [];
        var ignorant = view.Answering.Where(node => node.Id != viewer.Id && memory.Strange.TryGetValue(node.Pod, out var since) && now - since >= GossipLimit);
        return ignorant
            .Prepend(viewer)
            .SelectMany(node => view.FindStrangersOf(node).Select(other => new RedisAction.Meet(node.Pod, other.Id!, view.PodOf(other).Ip!)));
    }

    private static IEnumerable<RedisAction> FindSlots(RedisSpec spec, ClusterView view, IReadOnlyList<int> unowned)
    {
        var isNew = view.Owners.Count == 0;
        var (chosen, taken) = (new Dictionary<int, NodeView>(), new Dictionary<string, int>(StringComparer.Ordinal));
        for (var shard = 0; shard < spec.Shards; shard++)
        {
            var nodes = view.Answering.Where(node => view.PodOf(node).Shard == shard).ToList();
            var node =
                nodes.FirstOrDefault(node => node.OwnsSlots)
                ?? nodes
                    .Where(node => node.IsBlank)
                    .OrderBy(node => taken.GetValueOrDefault(DomainOf(view, node)))
                    .ThenBy(node => node.Pod, StringComparer.Ordinal)
                    .FirstOrDefault();
            if (node is null)
                continue;
            chosen[shard] = node;
            taken[DomainOf(view, node)] = taken.GetValueOrDefault(DomainOf(view, node)) + 1;
        }

        // A cluster is formed only of nodes without data. Otherwise the slots may have owners that nobody knows at the moment.
        if (isNew && view.Answering.Any(node => !node.IsBlank))
            yield break;
        foreach (var shard in isNew ? unowned.GroupBy(slot => ShardOf(slot, spec.Shards)) : Share(spec, view, unowned, chosen))
        {
            if (!chosen.TryGetValue(shard.Key, out var node))
                continue;
            // Different epochs from the start spare the cluster the resolution of collisions. Redis accepts an epoch only before it knows other nodes.
            int? epoch = node.Members.Count == 1 && node.Self!.Epoch == 0 ? shard.Key + 1 : null;
            yield return new RedisAction.AddSlots(node.Pod, SlotRange.Of(shard), epoch);
        }
    }

    // Slots of a lost shard go to the shards that have too few, each up to its share, and what remains to the last of them.
    private static IEnumerable<IGrouping<int, int>> Share(RedisSpec spec, ClusterView view, IReadOnlyList<int> unowned, Dictionary<int, NodeView> chosen)
    {
        var lacking = chosen
            .OrderBy(shard => shard.Key)
            .SelectMany(shard => Enumerable.Repeat(shard.Key, Math.Max(0, SlotRange.Of(shard.Key, spec.Shards).Count - view.CountOf(shard.Value.Id!))))
            .DefaultIfEmpty(chosen.Keys.DefaultIfEmpty().Max())
            .ToList();
        return unowned.Index().GroupBy(slot => lacking[Math.Min(slot.Index, lacking.Count - 1)], slot => slot.Item);
    }

    private static IEnumerable<RedisAction> FindLinks(ClusterView view)
    {
        if (view.Owners.Count == 0)
            yield break;
        foreach (var pod in view.Pods.Where(view.IsNeeded))
        {
            if (view.ViewOf(pod) is not { Answers: true, OwnsSlots: false } node || view.LeaderOf(pod.Shard) is not { Id: { } ownerId } owner || owner == node)
                continue;
            if (view.PodOf(owner).Ip is not { } ip)
                continue;
            // A node refuses to replicate one that it does not know. A master with keys and without slots learns who took its slots, and follows by itself.
            if (node.Find(ownerId) is not { Ip.Length: > 0 } || (node.Self!.IsMaster && node.Keys > 0))
                continue;
            var isBroken =
                node.Self.MasterId != ownerId || node.MasterHost != ip || (!node.IsLinkUp && !node.IsSyncing && node.LinkDownSeconds > LinkDownLimit);
            if (isBroken)
                yield return new RedisAction.Replicate(node.Pod, ownerId);
        }
    }

    private static IEnumerable<RedisAction> FindForgotten(ClusterView view) =>
        view.Answering.SelectMany(node => node.Members.Where(view.IsGone).Select(member => new RedisAction.Forget(node.Pod, member.Id)));

    // Moves the master of a crowded zone to a replica in an empty one: the loss of a zone must not take the majority of the masters.
    private static IEnumerable<RedisAction> FindPlacement(ClusterView view, string? missing)
    {
        if (missing is not null || view.Pods.Any(pod => pod.IsTerminating || pod.Domain is null))
            yield break;
        var masters = view.Answering.Where(node => node.OwnsSlots).ToList();
        var counts = masters.CountBy(node => DomainOf(view, node)).ToDictionary(StringComparer.Ordinal);
        foreach (var master in masters.OrderByDescending(node => counts[DomainOf(view, node)]).ThenBy(node => node.Pod, StringComparer.Ordinal))
        {
            var heir = view
                .Answering.Where(node => node.Self!.MasterId == master.Id && node.IsLinkUp && !view.PodOf(node).IsLeaving)
                .OrderBy(node => counts.GetValueOrDefault(DomainOf(view, node)))
                .ThenBy(node => node.Pod, StringComparer.Ordinal)
                .FirstOrDefault();
            if (heir is null || counts.GetValueOrDefault(DomainOf(view, heir)) + 1 >= counts[DomainOf(view, master)])
                continue;
            yield return HandOver(view, master, heir, FailoverCause.Placement, $"{DomainOf(view, master)} has {counts[DomainOf(view, master)]} masters");
        }
    }

    private static RedisAction.Failover HandOver(ClusterView view, NodeView master, NodeView heir, FailoverCause cause, string why) =>
        new(heir.Pod, FailoverKind.Graceful, cause, view.PodOf(master).Shard, master.Id!, master.Pod, why);

    private static IEnumerable<RedisAction> FindSettings(RedisSpec spec, ClusterView view)
    {
        var wanted = RedisConfig.Adjustable(spec);
        foreach (var node in view.Answering)
        {
            var changed = wanted.Where(setting => node.Settings.GetValueOrDefault(setting.Key, setting.Value) != setting.Value).ToDictionary();
            if (changed.Count > 0)
                yield return new RedisAction.Configure(node.Pod, changed);
        }
    }

    // Replicas first, then each master after a replica of the new specification has taken over. One pod at a time, and only while nothing is missing. A pod that
    // does not run can be replaced at any time: it may be the outdated specification that keeps it from running.
    private static IEnumerable<RedisAction> FindUpdate(ClusterView view, string? missing)
    {
        var outdated = view.Pods.Where(pod => pod is { IsOutdated: true, IsTerminating: false }).ToList();
        if (outdated.FirstOrDefault(pod => pod.Death is not null || pod.Process is null) is { } broken)
            yield return new RedisAction.Restart(broken.Name);
        if (missing is not null || view.Pods.Any(pod => pod.IsTerminating))
            yield break;
        if (outdated.FirstOrDefault(pod => !pod.IsLeaving && view.ViewOf(pod)?.OwnsSlots == false) is { } replica)
            yield return new RedisAction.Restart(replica.Name);
        foreach (var master in outdated.Where(pod => !pod.IsLeaving).Select(view.ViewOf).OfType<NodeView>().Where(node => node.OwnsSlots))
        {
            var heir = view.Answering.FirstOrDefault(node =>
                node.Self!.MasterId == master.Id && node.IsLinkUp && view.PodOf(node) is { IsOutdated: false, IsLeaving: false }
            );
            if (heir is not null)
                yield return HandOver(view, master, heir, FailoverCause.Update, $"pod {master.Pod} is about to be replaced");
        }
    }

    // A shard that stays keeps its slots when the pod of its master goes.
    private static RedisAction.Failover? FindHandOver(ClusterView view)
    {
        foreach (var master in view.Answering.Where(node => node.OwnsSlots && view.PodOf(node).IsLeaving))
        {
            var heir = view.Answering.FirstOrDefault(node => node.Self!.MasterId == master.Id && node.IsLinkUp && !view.PodOf(node).IsLeaving);
            if (heir is not null)
                return HandOver(view, master, heir, FailoverCause.ScaleIn, $"pod {master.Pod} is no longer asked for");
        }

        return null;
    }

    // Nodes that go: replicas of a master that stays with as many others as are asked for, and those of a shard without slots, its master as the last one. They
    // forget the cluster and their data, so that their volumes bring back neither.
    private static IEnumerable<RedisAction> FindRetired(ClusterView view, RedisMemory memory)
    {
        foreach (var pod in view.Pods.Where(pod => pod is { IsLeaving: true, IsTerminating: false, Process: not null } && !memory.IsRetired(pod)))
        {
            if (view.ViewOf(pod) is not { Answers: true, OwnsSlots: false } node)
                continue;
            var isFollowed = view.Answering.Any(other => other.Self!.MasterId == node.Id);
            if (ClusterView.IsAlone(node) || (!node.Self!.IsMaster && MasterOf(view, node) is { } master && IsSafeWithout(view, master)))
                yield return new RedisAction.Retire(pod.Name, pod.Process!);
            else if (node is { Self.IsMaster: true, Keys: 0 } && !isFollowed)
                yield return new RedisAction.Retire(pod.Name, pod.Process!);
        }
    }

    private static NodeView? MasterOf(ClusterView view, NodeView replica) => view.ViewOf(replica.Self!.MasterId!);

    // Whether a replica of a master may go: the master has nothing, or stays with its data in a shard in which nothing is missing.
    private static bool IsSafeWithout(ClusterView view, NodeView master) =>
        master.OwnsSlots ? !view.PodOf(master).IsLeaving : master is { Self.IsMaster: true, Keys: 0 };

    // A pod that is no longer asked for stays until its node has been reset and nobody knows it any more. One that never had a place may go at any time.
    private static Dictionary<int, int> CountPods(ClusterView view, string? missing, RedisMemory memory)
    {
        var isKnown = missing is not null || view.Answering.SelectMany(node => node.Members).Any(view.IsGone);
        return view
            .Pods.Where(pod =>
                !pod.IsLeaving || isKnown || !(view.ViewOf(pod)?.Answers == true || pod.Process is not null ? memory.IsRetired(pod) : !view.IsNeeded(pod))
            )
            .GroupBy(pod => pod.Shard)
            .ToDictionary(shard => shard.Key, shard => shard.Max(pod => pod.Ordinal) + 1);
    }

    private static string? FindScaling(ClusterView view, int toMove) =>
        // In steps, so that the status does not change with each slot.
        toMove > 0
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"Up to {(toMove + SlotSteps - 1) / SlotSteps * SlotSteps} of {SlotRange.Slots} slots move to other shards."
            )
        : view.Pods.FirstOrDefault(pod => pod.IsLeaving) is { } leaving ? $"Pod {leaving.Name} is no longer asked for and is about to be removed."
        : null;

    // Nothing can be done now, or nothing could for a while.
    private static Obstacle? FindHeldUp(List<RedisAction> steps, RedisMemory memory, DateTimeOffset now)
    {
        if (steps.Count == 0 && memory.HeldSlots.OrderBy(slot => slot.Key).Select(slot => slot.Value.Why).FirstOrDefault() is { } held)
            return new Obstacle(Reasons.SlotsHeldUp, $"{Texts.Capital(held)}. Delete the key, or make it smaller.");
        return memory.MoveFailure is var (why, since) && now - since >= MoveFailureLimit
            ? new Obstacle(Reasons.SlotsHeldUp, $"Slots cannot be moved: {why.TrimEnd('.')}.")
            : null;
    }

    private static Obstacle? FindStranded(ClusterView view, string? missing) =>
        missing is null
        && view.Answering.FirstOrDefault(node => node is { OwnsSlots: false, Self.IsMaster: true, Keys: > 0 } && view.PodOf(node).IsLeaving) is { } full
        && view.OwnerOf(view.PodOf(full).Shard) is null
            ? new Obstacle(
                Reasons.SlotsHeldUp,
                $"The node in pod {full.Pod} owns no slots, so that nobody can read its {full.Keys} keys, and is about to be removed. The operator does not delete keys: "
                    + "send it FLUSHALL (docs/redis.md)."
            )
            : null;

    private static string? FindMissing(ClusterView view)
    {
        if (view.Pods.FirstOrDefault(pod => view.ViewOf(pod)?.Answers != true && view.IsNeeded(pod)) is { } silent)
            return view.ViewOf(silent) is { } asked ? $"the node in pod {silent.Name} does not answer ({asked.Error})" : $"pod {silent.Name} does not run";
        if (view.SlotsAssigned < SlotRange.Slots)
            return $"{SlotRange.Slots - view.SlotsAssigned} slots have no owner";
        var members = view.Answering.Where(node => view.IsNeeded(view.PodOf(node))).ToList();
        if (members.FirstOrDefault(node => !node.IsStateOk) is { } down)
            return $"the node in pod {down.Pod} says that the cluster is down{(view.FindWants(down) is { Length: > 0 } wants ? $": it {wants}" : "")}";
        foreach (var node in members.Where(node => !node.OwnsSlots && view.LeaderOf(view.PodOf(node).Shard) != node))
        {
            if (node.Self!.MasterId is not { } master || master != view.LeaderOf(view.PodOf(node).Shard)?.Id)
                return $"the node in pod {node.Pod} is not a replica of its shard yet";
            if (!node.IsLinkUp)
                return node.IsSyncing ? $"the node in pod {node.Pod} copies the data of its master" : $"the node in pod {node.Pod} has no link to its master";
        }

        return view.Answering.SelectMany(node => node.Members).FirstOrDefault(member => member.IsLost && !view.IsGone(member)) is { } suspect
            ? $"node {suspect.Id[..8]} is suspected to have failed"
            : null;
    }

    private static Obstacle? FindObstacle(ClusterView view)
    {
        if (view.AllAnswer && view.Owners.Count == 0 && view.Answering.FirstOrDefault(node => !node.IsBlank) is { } full)
            return new Obstacle(
                Reasons.DataWithoutOwner,
                $"No node owns slots, but the node in pod {full.Pod} has data or belongs to a cluster. The operator forms a cluster only of empty nodes."
            );
        return view.Answering.FirstOrDefault(node => node.FailsToPersist) is { } stuck
            ? new Obstacle(
                Reasons.PersistenceFailing,
                $"The node in pod {stuck.Pod} cannot write its append-only file, and refuses writes. Its volume is probably full: raise spec.redis.storage.size, or "
                    + "lower spec.redis.maxMemory."
            )
            : null;
    }

    private static string DomainOf(ClusterView view, NodeView node) => view.PodOf(node).Domain ?? "";

    private static int ShardOf(int slot, int shards) => Enumerable.Range(0, shards).First(shard => slot <= SlotRange.Of(shard, shards).Last);
}
