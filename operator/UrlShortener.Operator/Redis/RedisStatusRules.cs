using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Redis.Cluster;

namespace UrlShortener.Operator.Redis;

/// <summary>Computes the part of a region's status that describes its Redis. Pure.</summary>
internal static class RedisStatusRules
{
    /// <summary>The part of the status that the controller of Redis writes.</summary>
    public static readonly StatusPart Part = new(
        "redis",
        [ConditionTypes.RedisReady, ConditionTypes.RedisDegraded, ConditionTypes.RedisQuorumLost, ConditionTypes.RedisPasswordCurrent],
        FieldManagers.Redis
    );

    /// <summary>The status and its conditions, and the changes of masters since the last status.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">Objects of its Redis.</param>
    /// <param name="view">The cluster.</param>
    /// <param name="plan">The plan for it.</param>
    /// <param name="obstacle">Why the specification cannot be applied; null: it is.</param>
    /// <param name="memory">What the operator remembers from before this observation.</param>
    /// <param name="begun">Digest of the request that the newest password was made for; null: none.</param>
    /// <param name="now">The time.</param>
    public static (RedisStatus Status, ConditionList Conditions, IReadOnlyList<RedisFailoverStatus> Failovers) Build(
        V1Alpha1ShortenerRegion region,
        ObservedRedis observed,
        ClusterView view,
        RedisPlan plan,
        Obstacle? obstacle,
        RedisMemory memory,
        byte[]? begun,
        DateTimeOffset now
    )
    {
        var former = region.Status?.Redis;
        var failovers = FindFailovers(former, view, memory, now);
        var wasReady = region.Status?.Conditions?.Any(condition => condition is { Type: ConditionTypes.RedisReady, Status: not "False" }) == true;
        var isComplete = plan.Missing is null && plan.Obstacle is null;
        var isServing = view.SlotsServed == SlotRange.Slots;
        var wasFormed = former?.State is not (null or RedisState.Forming);
        var state =
            view.HasLostQuorum ? RedisState.QuorumLost
            : !wasFormed && !isComplete ? RedisState.Forming
            : !isServing ? RedisState.Down
            : isComplete ? RedisState.Ready
            : RedisState.Degraded;

        var conditions = new ConditionList(region.Status?.Conditions, region.Metadata.Generation, now);
        var (cause, why) = CauseOf(region, observed, view, plan, wasFormed, now);
        if (obstacle is not null)
            conditions.Set(ConditionTypes.RedisReady, false, obstacle.Reason, obstacle.Message);
        else if (isServing && wasFormed && plan.Scaling is { } scaling)
            conditions.Set(ConditionTypes.RedisReady, null, Reasons.Scaling, $"All slots are served. {scaling}");
        else if (isServing && view.Pods.Count(pod => pod.IsOutdated) is > 0 and var outdated)
            conditions.Set(
                ConditionTypes.RedisReady,
                null,
                Reasons.RollingOut,
                $"All slots are served. {view.Pods.Count - outdated} of {view.Pods.Count} pods run the current specification."
            );
        // Once it was complete, it is ready as long as all slots are served. What else is missing is told by RedisDegraded.
        else if (isServing && (isComplete || wasReady))
            conditions.Set(ConditionTypes.RedisReady, true, Reasons.AsExpected, "All slots are served.");
        else if (state == RedisState.QuorumLost)
            conditions.Set(ConditionTypes.RedisReady, false, Reasons.QuorumLost, QuorumText(view));
        else
            conditions.Set(ConditionTypes.RedisReady, false, cause, why);
        if (isComplete)
            conditions.Set(ConditionTypes.RedisDegraded, false, Reasons.AsExpected, "All nodes work.");
        else
            conditions.Set(ConditionTypes.RedisDegraded, true, cause, why);
        conditions.Set(
            ConditionTypes.RedisQuorumLost,
            view.HasLostQuorum,
            view.HasLostQuorum ? Reasons.QuorumLost : Reasons.AsExpected,
            view.HasLostQuorum ? QuorumText(view) : "A majority of the masters works."
        );
        SetPasswordCurrent(conditions, region, memory);
        var status = new RedisStatus
        {
            State = state,
            SlotsAssigned = view.SlotsAssigned,
            ReadyNodes = view.Answering.Count(node => !view.PodOf(node).IsLeaving),
            Nodes = [.. view.Pods.Select(pod => NodeOf(pod, view))],
            PasswordRotation = PasswordRotation.Follow(
                former?.PasswordRotation,
                PasswordRotation.RequestOf(region),
                begun,
                memory.PasswordsSettledFor is not null,
                memory.PasswordWaits,
                now
            ),
            // The memory is newer than the status: a write may have failed.
            LastFailover = failovers.Count > 0 ? failovers[^1] : memory.LastFailover ?? former?.LastFailover,
        };
        return (status, conditions, failovers);
    }

    private static void SetPasswordCurrent(ConditionList conditions, V1Alpha1ShortenerRegion region, RedisMemory memory)
    {
        // What was told stays until the nodes were asked again.
        var former = region.Status?.Conditions?.FirstOrDefault(condition => condition.Type == ConditionTypes.RedisPasswordCurrent);
        var (status, reason, message) = memory switch
        {
            { PasswordsSettledFor: not null } => (true, Reasons.AsExpected, "All nodes accept only the current password."),
            { PasswordWaits: { } waits } => (false, Reasons.PasswordRotating, $"{waits}."),
            _ when former is { Status: "True" or "False" } => (former.Status == "True", former.Reason, former.Message),
            _ => ((bool?)null, Reasons.StoreStarting, "The cluster is not formed yet."),
        };
        conditions.Set(ConditionTypes.RedisPasswordCurrent, status, reason, message);
    }

    private static RedisNodeStatus NodeOf(RedisPod pod, ClusterView view)
    {
        var node = view.ViewOf(pod);
        var isMaster = node?.Self?.IsMaster == true;
        return new RedisNodeStatus
        {
            Name = pod.Name,
            Shard = pod.Shard,
            Id = node?.Id,
            Role =
                node?.Answers != true ? null
                : isMaster ? "Master"
                : "Replica",
            Link =
                node?.Answers != true || isMaster ? null
                : node.IsLinkUp ? "Up"
                : node.IsSyncing ? "Syncing"
                : "Down",
        };
    }

    // A shard's master by the last status, and now. A shard without a master in between keeps the former one in memory.
    private static List<RedisFailoverStatus> FindFailovers(RedisStatus? former, ClusterView view, RedisMemory memory, DateTimeOffset now)
    {
        var found = new List<RedisFailoverStatus>();
        foreach (var shard in view.Pods.Select(pod => pod.Shard).Distinct())
        {
            var current = view.OwnerOf(shard) is { } id && view.ViewOf(id) is { } node ? node.Pod : null;
            var known = memory.Masters.TryGetValue(shard, out var last) ? last : MasterIn(former, shard);
            if (current is null || known is null || current == known)
                continue;
            var since = memory.Lost.Where(lost => memory.Processes.TryGetValue(lost.Key, out var seen) && seen.Pod == known).Select(lost => lost.Value);
            found.Add(
                new RedisFailoverStatus
                {
                    From = known,
                    To = current,
                    Cause = memory.CauseOf(shard, known).ToString(),
                    At = StatusTime.Of(now),
                    DurationMillis = since.Select(at => (int?)(now - at).TotalMilliseconds).Min(),
                }
            );
        }

        return found;
    }

    private static string? MasterIn(RedisStatus? status, int shard) =>
        status?.Nodes?.Where(node => node.Shard == shard && node.Role == "Master").Select(node => node.Name).ToList() is [var only] ? only : null;

    private static (string Reason, string Message) CauseOf(
        V1Alpha1ShortenerRegion region,
        ObservedRedis observed,
        ClusterView view,
        RedisPlan plan,
        bool wasFormed,
        DateTimeOffset now
    )
    {
        if (plan.Obstacle is { } held)
            return (held.Reason, held.Message);
        if (PodTrouble.Find(observed.Pods, now) is { IsLasting: true } trouble)
            return (trouble.Reason, $"{Texts.Capital(trouble.Text)}.");
        if (view.Pods.Where(pod => view.ViewOf(pod)?.RefusesPassword == true).Select(pod => pod.Name).ToList() is [var first, .. var others])
            return (
                Reasons.PasswordRefused,
                $"The node in pod {first}{(others.Count > 0 ? $", and {others.Count} others," : "")} refuses the password in Secret "
                    + $"{Names.Of(region.Metadata.Name, RedisResources.AuthSuffix)}. Somebody has changed the password of the Secret or of the node. Usually over within "
                    + "minutes: when Kubernetes has passed the Secret on, the pod gives its password to the node. If it lasts, delete the pod."
            );
        var text = $"{Texts.Capital(plan.Missing ?? "the operator creates the objects")}.";
        return view.Owners.Count == 0 ? (Reasons.StoreStarting, $"The cluster is not formed yet. {text}")
            : view.SlotsServed < SlotRange.Slots ? (Reasons.SlotsNotServed, $"{SlotRange.Slots - view.SlotsServed} slots are not served. {text}")
            : (Reasons.NodeAway, text);
    }

    private static string QuorumText(ClusterView view) =>
        $"{view.LivingOwners} of {view.Owners.Count} masters work, too few to elect others. The operator lets replicas take over without a vote after "
        + $"{RedisPlan.TakeoverDelay.TotalSeconds:0} s if it has proof that the others have ended, and waits for them otherwise.";
}
