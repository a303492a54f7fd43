using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// Brings members to the current specification, one at a time: replicas from the highest ordinal on, then the primary role moves to a replica that has all
/// acknowledged writes, then the former primary. A step is only taken while every other member serves. Pure.
/// </summary>
/// <param name="Step">The next step; null: none is possible or needed now.</param>
/// <param name="Outdated">Members that do not run the current specification.</param>
/// <param name="Blocked">Why the next step has to wait; null: it does not, or nothing is to be done.</param>
/// <param name="IsStuck">Whether it waits for something that does not pass by itself.</param>
internal sealed record PostgresRollout(RolloutStep? Step, IReadOnlyList<string> Outdated, string? Blocked = null, bool IsStuck = false)
{
    /// <summary>All members run the current specification.</summary>
    public static readonly PostgresRollout Done = new(null, []);

    /// <summary>The StatefulSet does not have the current specification yet.</summary>
    private static readonly PostgresRollout Pending = new(null, [], "the StatefulSet gets the specification");

    /// <summary>The members get another configuration. Until they have read it, none says that it needs a restart.</summary>
    public static readonly PostgresRollout Settling = new(null, [], "the members read their new configuration");

    /// <summary>Whether all members run the current specification.</summary>
    public bool IsDone => Outdated.Count == 0 && Blocked is null;

    /// <summary>
    /// Bytes of the primary's changes that a replica may lack while another member is taken away: a segment of the write-ahead log. Positions of two members
    /// are never read at the same moment.
    /// </summary>
    public const long MaxLag = 16 * 1024 * 1024;

    // A change of the role within a few seconds is no reason to replace anybody who does not serve at the moment; nor is a rewind.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly TimeSpan StuckLimit = TimeSpan.FromMinutes(5);

    // A replica reads some parameters from what the primary wrote into the log: a restart before it has read that is in vain.
    private static readonly TimeSpan RestartInterval = TimeSpan.FromSeconds(20);

    /// <summary>Computes the next step.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="memory">What is remembered.</param>
    /// <param name="replicas">Number of members that the StatefulSet is to have.</param>
    /// <param name="now">The time.</param>
    public static PostgresRollout Of(V1Alpha1ShortenerRegion region, ObservedPostgres observed, PostgresMemory memory, int replicas, DateTimeOffset now)
    {
        // What the cache shows may be older than the last write: then its revision is not the one to follow.
        if (observed.StatefulSet is not { } set || !IsObserved(set, region, observed, replicas))
            return Pending;
        var members = Enumerable.Range(0, replicas).Select(ordinal => PostgresNames.MemberOf(region, ordinal)).ToList();
        var outdated = members.Where(name => observed.PodOf(name) is { } pod && IsOutdated(pod, set)).ToList();
        var pending = members.Where(name => NeedsRestart(name, observed)).ToList();
        List<string> changing = [.. members.Where(name => outdated.Contains(name) || pending.Contains(name))];
        if (changing.Count == 0)
        {
            // The last one that was replaced still has its former pod.
            List<string> ending = [.. members.Where(name => observed.PodOf(name) is { Metadata.DeletionTimestamp: not null } pod && IsOfFormer(pod, set))];
            return ending.Count > 0 ? new(null, ending, $"{string.Join(", ", ending)} ends", IsOver(memory.BlockedSince, StuckLimit, now))
                : IsSettling(region, memory, now) ? Settling
                : Done;
        }

        PostgresRollout Take(RolloutStep step) => new(step, changing);
        PostgresRollout Wait(string why, bool isStuck = false) => new(null, changing, why, isStuck || IsOver(memory.BlockedSince, StuckLimit, now));

        // Nothing runs in it that could be lost. This also heals a rollout of an image that does not start.
        if (outdated.LastOrDefault(name => RunningProcess.Of(observed.PodOf(name)!, PostgresNames.Container) is null) is { } broken)
            return Take(new RolloutStep.Replace(broken, "its container does not run"));
        if (observed.Members.Values.Any(member => member.Paused))
            return Wait("elections are paused (patronictl resume continues)");
        if (memory.Switchover is { } moving)
            return Wait($"the primary moves from {moving.From} to {moving.To}");
        var missing = members.Where(name => !observed.Stays(name)).ToList();
        if (missing.Count > 0 || observed.Leader is not { } primary)
        {
            var hopeless = missing.LastOrDefault(name => name != observed.Lock?.Leader || observed.Members.GetValueOrDefault(name) is { State: not "running" });
            if (hopeless is not null && missing.All(outdated.Contains) && IsOver(memory.BlockedSince, Patience, now))
                return Take(new RolloutStep.Replace(hopeless, "it does not serve"));
            var trouble = PodTrouble.Find(observed.Pods, now);
            return Wait(
                $"{Text(missing, observed)} must serve first{(trouble is null ? "" : $" ({trouble.Text})")}",
                trouble is { IsLasting: true } || missing.Any(name => observed.Members.GetValueOrDefault(name)?.State == "start failed")
            );
        }

        var spec = region.Spec.Postgres!;
        if (observed.FindSynchronyProblem(spec) is { } problem)
            return Wait(problem);
        if (outdated.LastOrDefault(name => name != primary.Name) is { } replica)
            return Take(new RolloutStep.Replace(replica, "its specification has changed"));
        if (pending.LastOrDefault(name => name != primary.Name) is { } restarted)
            return Restart(restarted, observed, memory, now) is { } step ? Take(step) : Wait($"{restarted} is still to be restarted after a restart");
        // A replica refuses to have less of these than its primary has had: the primary goes first, and a move of its role would not help.
        if (members.Count == 1 || LoweredIn(primary.Member).Any())
            return outdated.Contains(primary.Name) && !LoweredIn(primary.Member).Any()
                    ? Take(new RolloutStep.Replace(primary.Name, "its specification has changed"))
                : Restart(primary.Name, observed, memory, now) is { } only ? Take(only)
                : Wait($"{primary.Name} is still to be restarted after a restart");
        if (memory.SwitchoverNotBefore is { } notBefore && now < notBefore)
            return Wait("the primary did not move; the operator tries again in a minute");
        return FindTarget(region, observed, members) is { } target
            ? Take(
                new RolloutStep.Switchover(
                    primary.Name,
                    target,
                    outdated.Contains(primary.Name) ? "its specification has changed" : "its parameters have changed"
                )
            )
            : Wait("no replica is synchronous, so that none can become the primary");
    }

    /// <summary>Whether members may not have read their dynamic configuration yet: each does in its loop, and then waits for PostgreSQL.</summary>
    public static bool IsSettling(V1Alpha1ShortenerRegion region, PostgresMemory memory, DateTimeOffset now) =>
        memory.ConfiguredAt is { } at && now < at + TimeSpan.FromSeconds((2 * region.Spec.Postgres!.Patroni.LoopWait) + 2);

    /// <summary>Why a member cannot become the primary without the loss of a write; null: it can.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="member">The member.</param>
    public static string? FindObjection(V1Alpha1ShortenerRegion region, ObservedPostgres observed, string member) =>
        observed.Leader is not { } primary ? "no member accepts writes"
        : observed.Members.Values.Any(other => other.Paused) ? "elections are paused"
        : member == primary.Name ? $"{member} is the primary already"
        : observed.PodOf(member) is null ? $"there is no member {member}"
        : !observed.Members.TryGetValue(member, out var answer) ? $"{member} does not answer"
        : !answer.IsStreaming ? $"{member} is not streaming"
        : !observed.Serves(member) ? $"{member} has not caught up"
        : !observed.Stays(member) ? $"{member} is being deleted"
        : observed.HasSynchrony(region.Spec.Postgres!) && !observed.IsSynchronous(member) ? $"{member} is not synchronous"
        : null;

    /// <summary>The member that is to become the primary: one that can, and has received most; null: none can.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="members">The members to choose from.</param>
    public static string? FindTarget(V1Alpha1ShortenerRegion region, ObservedPostgres observed, IEnumerable<string> members) =>
        members
            .Where(name => FindObjection(region, observed, name) is null)
            .OrderByDescending(name => observed.Members[name].Position?.Received ?? 0)
            .FirstOrDefault();

    private static bool IsObserved(V1StatefulSet set, V1Alpha1ShortenerRegion region, ObservedPostgres observed, int replicas) =>
        Owned.IsApplied(
            set,
            PostgresResources.BuildStatefulSet(region, replicas, VolumeGrowth.TemplateSizeOf(region, set), GroupPlace.ClustersOf(region, observed.Group))
        )
        && (set.Status?.ObservedGeneration ?? 0) >= (set.Metadata.Generation ?? 0)
        && set.Status?.UpdateRevision is { Length: > 0 };

    /// <summary>Whether a pod was created from another template than the current one.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="set">Its StatefulSet.</param>
    public static bool IsOutdated(V1Pod pod, V1StatefulSet set) => pod.Metadata.DeletionTimestamp is null && IsOfFormer(pod, set);

    private static bool IsOfFormer(V1Pod pod, V1StatefulSet set) =>
        pod.Metadata.Labels is { } labels && labels.TryGetValue("controller-revision-hash", out var revision) && revision != set.Status.UpdateRevision;

    private static bool NeedsRestart(string name, ObservedPostgres observed)
    {
        if (!observed.Members.TryGetValue(name, out var member) || !member.PendingRestart)
            return false;
        // In a standby region even the leader waits, for the primary region.
        var waitsForPrimary =
            observed.IsStandby ? LoweredIn(member).ToHashSet(StringComparer.Ordinal)
            : observed.Leader is { } primary && primary.Name != name ? LoweredIn(primary.Member).ToHashSet(StringComparer.Ordinal)
            : [];
        return member.PendingReasons is not { Count: > 0 } reasons || reasons.Keys.Any(parameter => !waitsForPrimary.Contains(parameter));
    }

    // Of these a standby must have at least what its primary has: https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-ADMIN
    private static IEnumerable<string> LoweredIn(PatroniMember member) =>
        (member.PendingReasons ?? new Dictionary<string, PatroniChange>())
            .Where(reason =>
                reason.Key is "max_connections" or "max_prepared_transactions" or "max_locks_per_transaction" or "max_wal_senders" or "max_worker_processes"
                && long.TryParse(reason.Value.Old, out var old)
                && long.TryParse(reason.Value.New, out var wanted)
                && wanted < old
            )
            .Select(reason => reason.Key);

    private static RolloutStep.Restart? Restart(string name, ObservedPostgres observed, PostgresMemory memory, DateTimeOffset now)
    {
        var parameters = observed.Members[name].PendingReasons is { Count: > 0 } reasons
            ? string.Join(", ", reasons.Keys.Order(StringComparer.Ordinal))
            : "its parameters";
        return memory.RestartedAt.TryGetValue(name, out var last) && now - last < RestartInterval
            ? null
            : new RolloutStep.Restart(name, $"{parameters} changed");
    }

    private static bool IsOver(DateTimeOffset? since, TimeSpan limit, DateTimeOffset now) => since is { } begin && now - begin >= limit;

    private static string Text(IEnumerable<string> members, ObservedPostgres observed) =>
        string.Join(
            ", ",
            members.Select(name =>
                $"{name} ({(observed.Serves(name) ? "being deleted" : PostgresStatusRules.StateOf(observed.Members.GetValueOrDefault(name)))})"
            )
        );
}
