using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Redis.Cluster;

namespace UrlShortener.Operator.Redis;

/// <summary>
/// Which slots have to move between masters, from what the masters say alone: an operator that starts in the middle of a move continues it. Pure.
/// </summary>
internal static class SlotPlan
{
    // More than a step moves in its time.
    private const int Batch = 256;

    /// <summary>The next step for slots whose move has begun. A move that has begun is completed, so that keys are at one node again.</summary>
    /// <param name="view">The state.</param>
    /// <param name="held">Slots that cannot be moved at the moment.</param>
    public static RedisAction? FindOpen(ClusterView view, IReadOnlySet<int> held)
    {
        var masters = view.Answering.Where(node => node.Self!.IsMaster).OrderBy(node => node.Pod, StringComparer.Ordinal).ToList();
        var steps = OpenSlots(view).Where(slot => !held.Contains(slot)).Select(slot => FindOpen(view, masters, slot)).OfType<RedisAction>().ToList();
        return steps.FirstOrDefault() is RedisAction.MoveSlots first
            ? first with
            {
                Slots =
                [
                    .. steps
                        .OfType<RedisAction.MoveSlots>()
                        .Where(move => (move.Id, move.SourceId) == (first.Id, first.SourceId))
                        .SelectMany(move => move.Slots),
                ],
            }
            : steps.FirstOrDefault();
    }

    private static RedisAction? FindOpen(ClusterView view, List<NodeView> masters, int slot)
    {
        if (view.OwnerOfSlot(slot) is not { } ownerId || view.ViewOf(ownerId) is not { } owner)
            return null;
        // The former owner of a slot that has a new one: it only has not heard of it.
        if (masters.FirstOrDefault(node => node != owner && node.Self!.Migrating.ContainsKey(slot)) is { } former)
            return new RedisAction.CloseSlot(former.Pod, slot, ownerId);
        if (owner.Self!.Importing.ContainsKey(slot))
            return new RedisAction.CloseSlot(owner.Pod, slot, null);
        var to = owner.Self.Migrating.GetValueOrDefault(slot);
        // The node that has some of the keys, or whose shard has: after a failover, the successor has the keys and does not know of the move.
        var target =
            masters.Where(node => node.Self!.Importing.ContainsKey(slot)).OrderByDescending(node => node.Id == to).FirstOrDefault()
            ?? (to is not null && view.PodOf(to) is { } pod ? view.LeaderOf(pod.Shard) : null);
        return target is null || target == owner ? new RedisAction.CloseSlot(owner.Pod, slot, null) : Move(view, owner, target, [slot], isResumed: true);
    }

    /// <summary>The next slots to move, until each shard that is asked for has its share, and all others none.</summary>
    /// <param name="spec">The specification.</param>
    /// <param name="view">The state, in which every shard has a leader.</param>
    /// <param name="held">Slots that cannot be moved at the moment.</param>
    public static RedisAction? FindMove(RedisSpec spec, ClusterView view, IReadOnlySet<int> held)
    {
        var wanted = TargetsOf(spec, view);
        foreach (var source in view.Owners.Keys.OrderBy(id => view.PodOf(id)?.Name, StringComparer.Ordinal).Select(view.ViewOf).OfType<NodeView>())
        {
            var surplus = view.CountOf(source.Id!) - wanted.GetValueOrDefault(source.Id!);
            var slots = view.Owners[source.Id!]
                .SelectMany(range => Enumerable.Range(range.First, range.Count))
                .Reverse()
                .Where(slot => !held.Contains(slot))
                .Take(surplus);
            foreach (var (id, target) in wanted.OrderBy(pair => view.PodOf(pair.Key)!.Name, StringComparer.Ordinal))
            {
                var lacking = target - view.CountOf(id);
                if (lacking > 0 && slots.Take(Math.Min(lacking, Batch)).ToList() is { Count: > 0 } some)
                    return Move(view, source, view.ViewOf(id)!, some, isResumed: false);
            }
        }

        return null;
    }

    /// <summary>Number of slots that are not where they belong, or whose move has begun.</summary>
    public static int CountMoves(RedisSpec spec, ClusterView view)
    {
        var wanted = TargetsOf(spec, view);
        return Math.Max(view.Owners.Keys.Sum(id => Math.Max(0, view.CountOf(id) - wanted.GetValueOrDefault(id))), OpenSlots(view).Count);
    }

    /// <summary>Slots whose move has begun and has not ended.</summary>
    public static IReadOnlyCollection<int> OpenSlots(ClusterView view) =>
        new SortedSet<int>(view.Answering.Where(node => node.Self!.IsMaster).SelectMany(node => node.Self!.Migrating.Keys.Concat(node.Self.Importing.Keys)));

    // Of two owners in a shard only one keeps slots.
    private static Dictionary<string, int> TargetsOf(RedisSpec spec, ClusterView view) =>
        Enumerable
            .Range(0, spec.Shards)
            .Select(shard => (Id: view.OwnerOf(shard) ?? view.LeaderOf(shard)?.Id, SlotRange.Of(shard, spec.Shards).Count))
            .Where(shard => shard.Id is not null)
            .ToDictionary(shard => shard.Id!, shard => shard.Count);

    private static RedisAction.MoveSlots Move(ClusterView view, NodeView source, NodeView target, IReadOnlyList<int> slots, bool isResumed) =>
        new(
            target.Pod,
            view.PodOf(target).Ip!,
            target.Id!,
            source.Pod,
            source.Id!,
            [.. view.Answering.Where(node => node.Self!.IsMaster && node != source && node != target && !ClusterView.IsAlone(node)).Select(node => node.Pod)],
            slots,
            isResumed
        );
}
