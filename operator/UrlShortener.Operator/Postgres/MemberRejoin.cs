using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// Finds replicas that run and receive nothing, or that do not get over their start, such as a former primary that cannot be rewound or a replica whose part of
/// the log the primary no longer has, and decides whether they are copied anew. Pure.
/// </summary>
internal static class MemberRejoin
{
    /// <summary>How long a replica may receive nothing.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <summary>
    /// How long a replica may take to start. It first reads its own log again, at most what two checkpoints are apart (5 minutes each). One whose log ends
    /// beyond the point at which its history has diverged starts for ever: Patroni cannot ask it, and so does not rewind it.
    /// </summary>
    public static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(10);

    // As Limit, where it is known that nobody else has what they need. Patroni rewinds a former primary within a loop or two.
    private static readonly TimeSpan CopyLimit = TimeSpan.FromSeconds(30);

    // A copy that fails would fail again.
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(15);

    // How long one that says it streams may receive nothing while it lags, before it counts as missing.
    private static readonly TimeSpan Doubt = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Replicas that answer and receive nothing although there is a primary. What they say about streaming is not enough: one whose part of the log is gone begins
    /// to stream twice a second, and ends at once.
    /// </summary>
    /// <param name="observed">The observed state.</param>
    /// <param name="former">What was remembered.</param>
    /// <param name="now">The time.</param>
    public static IReadOnlyDictionary<string, MemberAbsence> Track(
        ObservedPostgres observed,
        IReadOnlyDictionary<string, MemberAbsence> former,
        DateTimeOffset now
    ) =>
        observed.Leader is null
            ? new Dictionary<string, MemberAbsence>()
            : observed
                .Members.Where(member =>
                    member.Key != observed.Lock?.Leader && IsAway(observed, member.Key, member.Value, former.GetValueOrDefault(member.Key))
                )
                .ToDictionary(
                    member => member.Key,
                    member =>
                        former.GetValueOrDefault(member.Key) is { } known && known.IsStarting == IsStarting(member.Value)
                            ? known
                            : new MemberAbsence(now, member.Value.Position?.Received, IsStarting(member.Value))
                );

    /// <summary>Replicas that receive nothing, although they may say that they stream.</summary>
    /// <param name="memory">What is remembered.</param>
    /// <param name="now">The time.</param>
    public static IReadOnlyList<string> FindStalled(PostgresMemory memory, DateTimeOffset now) =>
        [.. memory.Away.Where(member => !member.Value.IsStarting && now - member.Value.Since >= Doubt).Select(member => member.Key)];

    /// <summary>Replicas that have received nothing, or started, for too long.</summary>
    /// <param name="memory">What is remembered.</param>
    /// <param name="now">The time.</param>
    /// <param name="limit">How long a replica may receive nothing; null: <see cref="Limit"/>.</param>
    public static IReadOnlyList<string> FindDiverged(PostgresMemory memory, DateTimeOffset now, TimeSpan? limit = null) =>
        [
            .. memory
                .Away.Where(member => now - member.Value.Since >= (member.Value.IsStarting ? StartLimit : limit ?? Limit))
                .Select(member => member.Key)
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>What is wrong with them, as a sentence without its end; null: nothing.</summary>
    /// <param name="memory">What is remembered.</param>
    /// <param name="now">The time.</param>
    public static string? Describe(PostgresMemory memory, DateTimeOffset now)
    {
        var diverged = FindDiverged(memory, now).ToLookup(name => memory.Away[name].IsStarting);
        string[] parts =
        [
            .. diverged[false].Any()
                ? [$"{string.Join(", ", diverged[false])} answered and received no changes for {Limit.TotalMinutes:0} minutes"]
                : Array.Empty<string>(),
            .. diverged[true].Any() ? [$"{string.Join(", ", diverged[true])} did not start within {StartLimit.TotalMinutes:0} minutes"] : Array.Empty<string>(),
        ];
        return parts is [] ? null : string.Join("; ", parts);
    }

    /// <summary>The copy of one of them, if the policy and the state of the others allow it; null: none.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="memory">What is remembered.</param>
    /// <param name="now">The time.</param>
    public static RolloutStep.Rebuild? Next(V1Alpha1ShortenerRegion region, ObservedPostgres observed, PostgresMemory memory, DateTimeOffset now)
    {
        var spec = region.Spec.Postgres!;
        if (
            spec.Rejoin != RejoinPolicy.Automatic
            || observed.Leader is null
            || observed.Members.Values.Any(member => member.Paused)
            // The leader has less than the new copy.
            || RegionCopy.IsWanted(region, observed, memory, now)
            || FindOne(region, observed, memory, now) is not { } member
            // A copy would discard what is not saved yet. That of many changes takes longer than the limit.
            || observed.PodOf(member) is { } pod && SavedChanges.IsUnsaved(pod)
        )
            return null;
        // A restart of its pod first would not help: Patroni decides about a rewind by the control file, which a server that only starts does not change.
        var others = Enumerable.Range(0, spec.Instances).Select(ordinal => PostgresNames.MemberOf(region, ordinal)).Where(name => name != member);
        var isSafe =
            HasAnotherRegion(observed, memory)
            || others.All(observed.Stays) && (!observed.HasSynchrony(spec) || observed.WaitedFor.Any(observed.IsSynchronous));
        return isSafe && !(memory.RebuiltAt.TryGetValue(member, out var last) && now - last < Pause)
            ? new RolloutStep.Rebuild(member, memory.Away[member].IsStarting ? "it has been starting for 10 minutes" : "it receives no changes")
            : null;
    }

    // The leader of a standby region has what the primary region has.
    private static bool HasAnotherRegion(ObservedPostgres observed, PostgresMemory memory) => observed.IsStandby && memory.Waits is null;

    private static string? FindOne(V1Alpha1ShortenerRegion region, ObservedPostgres observed, PostgresMemory memory, DateTimeOffset now)
    {
        if (!HasAnotherRegion(observed, memory))
            return FindDiverged(memory, now) is [{ } only] ? only : null;
        // A leader beyond the specification has a new copy, because all others are behind.
        var isNewCopy = RegionCopy.IsFurther(region, observed.Leader!.Value.Name);
        return observed.Members.Values.Any(member => member.State == "creating replica") ? null
            : FindDiverged(memory, now, isNewCopy ? CopyLimit : null) is [var first, ..] ? first
            : null;
    }

    private static bool IsStarting(PatroniMember member) => member.State == "starting";

    // A copy may take long. One that reads from an archive receives something.
    private static bool IsAway(ObservedPostgres observed, string name, PatroniMember member, MemberAbsence? former) =>
        !member.IsPrimary
        && member.State is not ("creating replica" or "initializing new cluster" or "restarting" or "stopping" or null)
        && (
            IsStarting(member)
            || member.ReplicationState is null
            || (member.IsStreaming && !observed.Serves(name) && !(former is not null && member.Position?.Received > former.Received))
        );
}

/// <summary>A replica that receives nothing.</summary>
/// <param name="Since">When that was first seen.</param>
/// <param name="Received">Up to where it had received changes then; null: not known.</param>
/// <param name="IsStarting">Whether its server has been starting since then.</param>
internal sealed record MemberAbsence(DateTimeOffset Since, long? Received, bool IsStarting = false);
