using System.Collections.Immutable;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Redis.Protocol;

namespace UrlShortener.Operator.Redis.Cluster;

/// <summary>
/// What the operator remembers of a region's cluster between reconciles: when it last acted, and which process had which identity. Nothing depends on it after
/// a restart of the operator: a command that is repeated too early has no effect.
/// </summary>
internal sealed record RedisMemory
{
    /// <summary>After that, a slot that could not be moved is looked at again.</summary>
    public static readonly TimeSpan HoldTime = TimeSpan.FromMinutes(1);

    // A hand-over waits until the replica has read what its master has written, and a node that answers late is seen late.
    private static readonly TimeSpan CauseTime = TimeSpan.FromMinutes(1);

    private const int MostSilences = 8;

    /// <summary>The pod and the process that last answered with an identity.</summary>
    public ImmutableDictionary<string, (string Pod, string? Process)> Processes { get; init; } =
        ImmutableDictionary<string, (string Pod, string? Process)>.Empty;

    /// <summary>By pod, how often in a row its node did not answer in time.</summary>
    public ImmutableDictionary<string, int> Silences { get; init; } = ImmutableDictionary<string, int>.Empty;

    /// <summary>By pod, the process and the serial number of the certificate that it serves.</summary>
    public ImmutableDictionary<string, (string? Process, string Serial)> Certificates { get; init; } =
        ImmutableDictionary<string, (string? Process, string Serial)>.Empty;

    /// <summary>When the operator last did what the key names.</summary>
    public ImmutableDictionary<string, DateTimeOffset> Acts { get; init; } = ImmutableDictionary<string, DateTimeOffset>.Empty;

    /// <summary>When an owner of slots was first found not to serve, by identity.</summary>
    public ImmutableDictionary<string, DateTimeOffset> Lost { get; init; } = ImmutableDictionary<string, DateTimeOffset>.Empty;

    /// <summary>By pod, since when its node does not know all others, or knows one at another address.</summary>
    public ImmutableDictionary<string, DateTimeOffset> Strange { get; init; } = ImmutableDictionary<string, DateTimeOffset>.Empty;

    /// <summary>The pod that was last the master of a shard.</summary>
    public ImmutableDictionary<int, string> Masters { get; init; } = ImmutableDictionary<int, string>.Empty;

    /// <summary>By shard, the last failover that the operator has caused and not told yet, and when.</summary>
    public ImmutableDictionary<int, (string From, FailoverCause Cause, DateTimeOffset At)> Caused { get; init; } =
        ImmutableDictionary<int, (string From, FailoverCause Cause, DateTimeOffset At)>.Empty;

    /// <summary>The last change of a master; null: none since the operator started.</summary>
    public RedisFailoverStatus? LastFailover { get; init; }

    /// <summary>Pods that are no longer asked for and whose nodes have been reset, with the process that was.</summary>
    public ImmutableDictionary<string, string> Retired { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Slots that cannot be moved at the moment, with the reason, and when it was found.</summary>
    public ImmutableDictionary<int, (string Why, DateTimeOffset At)> HeldSlots { get; init; } = ImmutableDictionary<int, (string Why, DateTimeOffset At)>.Empty;

    /// <summary>Why slots could not be moved, since when; null: they could, or none has to be.</summary>
    public (string Why, DateTimeOffset Since)? MoveFailure { get; init; }

    /// <summary>Digest of the Secret and the nodes of which all accept one password only; null: not known.</summary>
    public string? PasswordsSettledFor { get; init; }

    /// <summary>What the end of a former password waits for; null: not known, or there is none.</summary>
    public string? PasswordWaits { get; init; }

    /// <summary>Whether a step was taken towards it, so that the next one may follow at once.</summary>
    public bool RotatesOn { get; init; }

    /// <summary>Since when too few masters answer; null: enough do.</summary>
    public DateTimeOffset? QuorumLostSince { get; init; }

    /// <summary>Whether the operator did something within a time.</summary>
    public bool DidWithin(string act, TimeSpan span, DateTimeOffset now) => Acts.TryGetValue(act, out var at) && now - at < span;

    /// <summary>Whether the node of a pod that is no longer asked for has been reset.</summary>
    public bool IsRetired(RedisPod pod) => pod.Process is { } process && Retired.GetValueOrDefault(pod.Name) == process;

    /// <summary>The memory after slots were moved, or were not.</summary>
    public RedisMemory After(SlotMoveOutcome outcome, DateTimeOffset now) =>
        this with
        {
            HeldSlots = outcome.Held is var (slot, why) ? HeldSlots.SetItem(slot, (why, now)) : HeldSlots,
            MoveFailure = outcome.Error is { } error ? (error, outcome.Moved > 0 ? now : MoveFailure?.Since ?? now) : null,
        };

    /// <summary>The memory after a failover was begun.</summary>
    public RedisMemory AfterFailover(int shard, string from, FailoverCause cause, DateTimeOffset now) =>
        this with
        {
            Caused = Caused.SetItem(shard, (from, cause, now)),
        };

    /// <summary>The memory after changes of masters were told.</summary>
    public RedisMemory After(IReadOnlyList<RedisFailoverStatus> told) =>
        this with
        {
            LastFailover = told.Count > 0 ? told[^1] : LastFailover,
            Caused = Caused.RemoveRange(Caused.Where(one => told.Any(failover => failover.From == one.Value.From)).Select(one => one.Key)),
        };

    /// <summary>Why the pod is no longer the master of its shard.</summary>
    public FailoverCause CauseOf(int shard, string from) =>
        Caused.TryGetValue(shard, out var caused) && caused.From == from ? caused.Cause : FailoverCause.Native;

    /// <summary>The memory after an act.</summary>
    public RedisMemory After(string act, DateTimeOffset now) => this with { Acts = Acts.SetItem(act, now) };

    /// <summary>The memory after an observation.</summary>
    public RedisMemory Observe(ClusterView view, DateTimeOffset now)
    {
        // Identities that no node knows any more are forgotten.
        var known = view.Answering.SelectMany(one => one.Members).Select(member => member.Id).ToHashSet(StringComparer.Ordinal);
        var processes = known.Count > 0 ? Processes.RemoveRange(Processes.Keys.Where(id => !known.Contains(id))) : Processes;
        foreach (var node in view.Answering)
            processes = processes.SetItem(node.Id!, (node.Pod, view.PodOf(node).Process));
        var shards = view.Pods.Select(pod => pod.Shard).ToHashSet();
        var masters = Masters.RemoveRange(Masters.Keys.Where(shard => !shards.Contains(shard)));
        foreach (var shard in shards)
        {
            if (view.OwnerOf(shard) is { } owner && view.ViewOf(owner) is { } master)
                masters = masters.SetItem(shard, master.Pod);
        }

        var lost = view.Owners.Keys.Where(id => view.ViewOf(id) is null).ToDictionary(id => id, id => Lost.GetValueOrDefault(id, now));
        return this with
        {
            Processes = processes,
            Masters = masters,
            Silences = view
                .Pods.Where(pod => view.ViewOf(pod)?.Reach == RedisReach.TimedOut)
                .ToImmutableDictionary(pod => pod.Name, pod => Math.Min(Silences.GetValueOrDefault(pod.Name) + 1, MostSilences)),
            Lost = lost.ToImmutableDictionary(),
            Strange = view
                .Answering.Where(node => view.IsNeeded(view.PodOf(node)) && view.FindStrangersOf(node).Any())
                .ToImmutableDictionary(node => node.Pod, node => Strange.GetValueOrDefault(node.Pod, now)),
            QuorumLostSince = view.HasLostQuorum ? QuorumLostSince ?? now : null,
            Caused = Caused.RemoveRange(Caused.Where(caused => now - caused.Value.At > CauseTime).Select(caused => caused.Key)),
            Retired = Retired.RemoveRange(Retired.Keys.Where(name => !view.Pods.Any(pod => pod.IsLeaving && pod.Name == name))),
            HeldSlots = HeldSlots.RemoveRange(HeldSlots.Where(slot => now - slot.Value.At > HoldTime).Select(slot => slot.Key)),
            Acts = Acts.RemoveRange(Acts.Where(act => now - act.Value > TimeSpan.FromMinutes(5)).Select(act => act.Key)),
        };
    }
}
