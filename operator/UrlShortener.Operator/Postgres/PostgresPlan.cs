using System.Globalization;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Postgres;

/// <summary>The plan for a region's PostgreSQL, computed from its specification, the observed state and what is remembered. Pure.</summary>
internal sealed record PostgresPlan
{
    /// <summary>How long members read their files again after a change of the certificates.</summary>
    public static readonly TimeSpan ReloadTime = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan ReloadInterval = TimeSpan.FromSeconds(20);

    // Each time connects to all members.
    private static readonly TimeSpan RetirementInterval = TimeSpan.FromSeconds(1);

    /// <summary>Why objects cannot be applied; null: they are.</summary>
    public Obstacle? Obstacle { get; init; }

    /// <summary>Whether the operator changes objects. What members need so that one of them leads it restores also while changes are suspended.</summary>
    public required bool Applies { get; init; }

    /// <summary>The primary that is proven dead, and the proof, so that its lock is to be taken away; null: none.</summary>
    public (string Primary, string Proof)? Assist { get; init; }

    /// <summary>The process of <see cref="Assist"/>.</summary>
    public RunningProcess? DeadProcess { get; init; }

    /// <summary>The member that Patroni is to promote although it does not by itself; null: none.</summary>
    public PatroniVote? Promotes { get; init; }

    /// <summary>Whether the members have lost their service account or its rights while the operator changes nothing else: without them nobody can lead.</summary>
    public bool RestoresAccess { get; init; }

    /// <summary>Pods that have the label of a primary and do not hold the lock.</summary>
    public IReadOnlyList<V1Pod> FalsePrimaries { get; init; } = [];

    /// <summary>Replicas that receive nothing, although they may say that they stream.</summary>
    public IReadOnlyList<string> Stalled { get; init; } = [];

    /// <summary>The next step at a member; null: none.</summary>
    public RolloutStep? Step { get; init; }

    /// <summary>How far the members are with the current specification.</summary>
    public PostgresRollout Rollout { get; init; } = PostgresRollout.Done;

    /// <summary>Why volumes do not have the size of the specification; null: they have it.</summary>
    public Obstacle? Growth { get; init; }

    /// <summary>How the number of members changes.</summary>
    public PostgresScale? Scale { get; init; }

    /// <summary>What the status tells of the region's request to move the primary; null: there is none.</summary>
    public PostgresSwitchoverStatus? Switchover { get; init; }

    /// <summary>The place in the group.</summary>
    public GroupPlace Place { get; init; } = GroupPlace.Alone;

    /// <summary>The member whose database tells whether the app's password of the region that this one follows is valid here too; null: nothing to do.</summary>
    public V1Pod? Adopts { get; init; }

    /// <summary>Number of members.</summary>
    public required int Replicas { get; init; }

    /// <summary>The dynamic configuration to write; null: the current one is right, or there is none yet.</summary>
    public JsonObject? Configuration { get; init; }

    /// <summary>
    /// Patroni's ConfigMaps that would stay after the region although its volumes go, or go although they stay. They say which database the volumes have, and which
    /// of them have every acknowledged write.
    /// </summary>
    public IReadOnlyList<V1ConfigMap> Misowned { get; init; } = [];

    /// <summary>
    /// Patroni's ConfigMaps that may have lost labels: they do not show, or have others. Patroni finds its ConfigMaps by labels, and cannot take the lock of one
    /// that it does not find.
    /// </summary>
    public IReadOnlyList<string> Unlabelled { get; init; } = [];

    /// <summary>The record of the synchronous replicas to reset, because it contradicts the primary and Patroni does not mend it; null: none.</summary>
    public SynchronyContradiction? Resets { get; init; }

    /// <summary>Members whose pods may have lost labels. The others would not follow a primary that they do not find.</summary>
    public IReadOnlyList<string> UnlabelledMembers { get; init; } = [];

    /// <summary>Whether members are to read their certificates again.</summary>
    public required bool Reloads { get; init; }

    /// <summary>The primary on which the app's role and database are to be created or changed; null: nothing to do, or none accepts writes.</summary>
    public V1Pod? Provisions { get; init; }

    /// <summary>Digest of what they are created from.</summary>
    public required string ProvisionDigest { get; init; }

    /// <summary>Digest of the state in which the former password is to be ended: also the primary is in it, because a failover may lose what was not replicated.</summary>
    public required string RetirementDigest { get; init; }

    /// <summary>Whether the next step to end the former password is to be taken, once the role and the database are created.</summary>
    public required bool Retires { get; init; }

    /// <summary>The request for which a new password is to be made; null: none.</summary>
    public string? RotatesFor { get; init; }

    /// <summary>What is remembered for the next reconcile.</summary>
    public required PostgresMemory Memory { get; init; }

    /// <summary>Computes the plan.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="memory">What is remembered.</param>
    /// <param name="now">The time.</param>
    public static PostgresPlan Of(V1Alpha1ShortenerRegion region, ObservedPostgres observed, PostgresMemory memory, DateTimeOffset now)
    {
        var spec = region.Spec.Postgres!;
        var place = GroupPlace.Of(region, observed.Group);
        var (next, ended) = PostgresFailover.Track(memory, observed, now);
        var digest = ProvisionDigestOf(region, observed);
        var retirement = Digest.Of(digest, observed.Primary?.Name ?? "", observed.Primary?.Member.Timeline?.ToString(CultureInfo.InvariantCulture) ?? "");
        var obstacle = Obstacle.Of(FindObstacle(region, observed), VolumeGrowth.FindShrink(region, observed.StatefulSet));
        var applies = obstacle is null && !region.Spec.IsSuspended();
        var dead = spec.AssistedFailover ? FindDead(observed, memory) : null;
        var scale = PostgresScale.Of(region, observed, next, now);
        var configuration = applies ? FindConfiguration(region, observed, place, memory, now) : null;
        var rollout = PostgresRollout.Of(region, observed, next, scale.Replicas, now);
        if (
            rollout.IsDone
            && (configuration is not null || (spec.Parameters.Count > 0 && !ParameterReview.IsIn(observed.DynamicConfiguration, spec.Parameters)))
        )
            rollout = PostgresRollout.Settling;
        var members = Enumerable.Range(0, spec.Instances).Select(ordinal => PostgresNames.MemberOf(region, ordinal)).ToList();
        var (switchover, requested) = applies ? SwitchoverRequest.Follow(region, observed, next, members) : (region.Status?.Postgres?.Switchover, null);
        next = next with
        {
            Away = MemberRejoin.Track(observed, memory.Away, now),
            Contradiction = SynchronyContradiction.Track(region, observed, memory.Contradiction, now),
            Waits = StandbyWait.Track(observed, memory.Waits, now),
            Behind = RegionCopy.Track(region, place, observed, memory, now),
            Vote = VoteWait.Track(PatroniVote.Count(region, observed, place), memory.Vote, now),
        };
        var relief = VolumeRelief.Next(region, observed, next, members, now);
        var copy = RegionCopy.Next(region, observed, next, now);
        var rebuild = rollout.IsDone ? MemberRejoin.Next(region, observed, next, now) : null;
        return new PostgresPlan
        {
            // Without valid tokens nobody can lead: no change of the region may be awaited for that.
            Step =
                dead is not null ? null
                : TokenRenewal.Next(observed, now) is { } renewal ? renewal
                : applies ? requested ?? copy ?? relief ?? scale.Step ?? rollout.Step ?? rebuild
                : null,
            RestoresAccess = !applies && observed.StatefulSet is not null && (observed.ServiceAccount is null || observed.RoleBinding is null),
            Stalled = MemberRejoin.FindStalled(next, now),
            Rollout = rollout,
            Switchover = switchover,
            Obstacle = obstacle,
            Place = place,
            Adopts =
                applies
                && place.Source is not null
                && observed is { IsStandby: true, Leader: { } leader, SourcePassword: not null }
                && memory.Provisioned != digest
                    ? observed.PodOf(leader.Name)
                    : null,
            Applies = applies,
            Assist = dead is { } found ? (found.Process.Pod, found.Proof) : null,
            DeadProcess = dead?.Process,
            Promotes = dead is null && next.Vote is { } vote && vote.IsDue(spec.Patroni, memory.VotedAt, now) ? vote.Vote : null,
            FalsePrimaries = [.. observed.Pods.Where(pod => IsLabelled(pod) && observed.Lock is not null && pod.Metadata.Name != observed.Lock.Leader)],
            Replicas = scale.Replicas,
            Scale = scale,
            Configuration = configuration,
            Misowned = [.. observed.PatroniMaps.Where(map => Owned.HasController(map) == (spec.Storage.OnDelete == OnDeletion.Retain))],
            Unlabelled = FindUnlabelled(region, observed),
            Resets = next.Contradiction is { } contradiction && contradiction.IsLasting(region, observed, now) ? contradiction : null,
            UnlabelledMembers =
            [
                .. Enumerable
                    .Range(0, observed.StatefulSet?.Spec?.Replicas ?? 0)
                    .Select(ordinal => PostgresNames.MemberOf(region, ordinal))
                    .Where(name => observed.PodOf(name) is not { } pod || !PostgresNames.HasLabels(pod, PostgresNames.PatroniLabelsOf(region))),
            ],
            Reloads = memory.Connections is not null && now < memory.ReloadsUntil && now >= memory.ReloadedAt + ReloadInterval,
            ProvisionDigest = digest,
            RetirementDigest = retirement,
            Retires =
                applies
                && place.Source is null
                && observed is { Primary: not null, Password: not null }
                && memory.Retired != retirement
                && now >= memory.RetirementAskedAt + RetirementInterval,
            RotatesFor =
                applies && place.Source is null && observed is { Primary: not null, Connection: not null }
                    ? PasswordRotation.FindNext(
                        region.Status?.Postgres?.PasswordRotation,
                        PasswordRotation.RequestOf(region),
                        BegunOf(observed),
                        IsSettled(memory, digest, retirement)
                    )
                    : null,
            Provisions =
                applies && place.Source is null && observed.Primary is { } primary && observed.Password is not null && memory.Provisioned != digest
                    ? observed.PodOf(primary.Name)
                    : null,
            Memory = next with { Untold = ended ?? memory.Untold, BlockedSince = rollout.Blocked is null ? null : memory.BlockedSince ?? now },
        };
    }

    /// <summary>Whether a member leads, or is a replica that receives changes.</summary>
    /// <param name="observed">The observed state.</param>
    /// <param name="name">The member.</param>
    public bool IsServing(ObservedPostgres observed, string name) =>
        observed.Members.TryGetValue(name, out var member) && (member.IsPrimary || member.IsStandbyLeader || member.IsStreaming) && !Stalled.Contains(name);

    /// <summary>Whether a process is dead, and its successor in the same pod has not renewed the lock.</summary>
    /// <param name="process">The process.</param>
    /// <param name="pod">The pod with its name now; null: none.</param>
    /// <param name="held">The lock, which the process held.</param>
    /// <returns>The proof; null: there is none.</returns>
    public static string? ProveDead(RunningProcess process, V1Pod? pod, PatroniLock held)
    {
        if (DeathProof.Of(process, pod) is not { } proof)
            return null;
        var startedAt = pod?.Status?.ContainerStatuses?.FirstOrDefault(status => status.Name == PostgresNames.Container)?.State?.Running?.StartedAt;
        // Both times are of the clock of the pod's node.
        return startedAt is { } start && held.RenewedAt > new DateTimeOffset(start.ToUniversalTime()) ? null : proof;
    }

    private static (RunningProcess Process, string Proof)? FindDead(ObservedPostgres observed, PostgresMemory memory)
    {
        if (observed.Lock is not { Leader: { } leader } held || observed.Members.Values.Any(member => member.Paused))
            return null;
        return memory.Process is { } process && process.Pod == leader && ProveDead(process, observed.PodOf(leader), held) is { } proof
            ? (process, proof)
            : null;
    }

    private static Obstacle? FindObstacle(V1Alpha1ShortenerRegion region, ObservedPostgres observed) =>
        NameRules
            .Check(region.Metadata)
            .Concat(PostgresRules.Check(region.Spec))
            .Concat(PostgresRules.CheckVersion(region.Spec, observed.Leader?.Member.ServerVersion, region.Status?.Postgres?.Version))
            .ToList()
            is { Count: > 0 } problems
            ? new Obstacle(Reasons.InvalidSpec, string.Join(' ', problems.Select(problem => problem.ToString())))
            : null;

    private static List<string> FindUnlabelled(V1Alpha1ShortenerRegion region, ObservedPostgres observed)
    {
        var labels = PostgresNames.PatroniLabelsOf(region);
        var wrong = observed.PatroniMaps.Where(map => !PostgresNames.HasLabels(map, labels)).Select(map => map.Metadata.Name);
        if (region.Status?.Postgres?.SystemIdentifier is null)
            return [.. wrong];
        string[] needed = [PostgresNames.LeaderOf(region), PostgresNames.ConfigOf(region)];
        return [.. wrong, .. needed.Where(name => observed.PatroniMaps.All(map => map.Metadata.Name != name))];
    }

    private static bool IsLabelled(V1Pod pod) =>
        pod.Metadata.Labels is { } labels && labels.TryGetValue(PostgresNames.RoleLabel, out var role) && role == PostgresNames.Primary;

    // The current document with the operator's values; what Patroni or an administrator added, such as a pause, stays. Parameters of the specification reach the
    // members once PostgreSQL has agreed to them; until then the former ones stay.
    private static JsonObject? FindConfiguration(
        V1Alpha1ShortenerRegion region,
        ObservedPostgres observed,
        GroupPlace place,
        PostgresMemory memory,
        DateTimeOffset now
    )
    {
        if (Labels.AnnotationOf(observed.Configuration?.Metadata, "config") is null)
            return null;
        var live = observed.DynamicConfiguration;
        // While nobody leads, such as when the new copy takes over, it stays as it is.
        var reseeds = observed.Leader is null ? RegionCopy.IsConfigured(live) : RegionCopy.IsWanted(region, observed, memory, now);
        var wanted = PatroniConfiguration.BuildDynamic(region, place, live, reseeds);
        var (parameters, set) = (region.Spec.Postgres!.Parameters, wanted["postgresql"]!["parameters"]!.AsObject());
        if (ParameterReview.IsIn(live, parameters) || memory.Review is { Refusals.Count: 0 })
        {
            foreach (var (name, value) in parameters)
                set[name] = value;
        }
        else if (live?["postgresql"]?["parameters"] is JsonObject former)
        {
            foreach (var (name, value) in former.Where(parameter => !PostgresRules.IsOwned(parameter.Key)))
                set[name] = value?.DeepClone();
        }

        if (live?["pause"] is { } pause)
            wanted["pause"] = pause.DeepClone();
        return JsonNode.DeepEquals(live, wanted) ? null : wanted;
    }

    /// <summary>Whether only the app's current password is valid, by what is remembered.</summary>
    public bool IsPasswordSettled =>
        Place.Source is not null
            ? Memory.Provisioned == ProvisionDigest && Memory.AppRole == Memory.AdoptedRole
            : IsSettled(Memory, ProvisionDigest, RetirementDigest);

    /// <summary>Digest of the request that the app's password was made for; null: none.</summary>
    public static byte[]? BegunOf(ObservedPostgres observed) =>
        observed.Password?.Data is { } data && data.TryGetValue(PasswordRotation.RequestKey, out var digest) ? digest : null;

    private static bool IsSettled(PostgresMemory memory, string digest, string retirement) => memory.Provisioned == digest && memory.Retired == retirement;

    // The Secrets are in it as digests: a changed or deleted one is written again.
    private static string ProvisionDigestOf(V1Alpha1ShortenerRegion region, ObservedPostgres observed) =>
        Digest.Of([
            observed.Leader?.Member.SystemIdentifier ?? "",
            observed.IsStandby ? "standby" : "",
            region.Spec.Postgres!.Instances.ToString(CultureInfo.InvariantCulture),
            .. new[] { observed.Password, observed.Connection, observed.SourcePassword }.SelectMany(secret =>
                (secret?.Data ?? new Dictionary<string, byte[]>())
                    .OrderBy(entry => entry.Key, StringComparer.Ordinal)
                    .Select(entry => $"{entry.Key}={Convert.ToHexString(entry.Value)}")
                    .Prepend(secret is null ? "-" : "+")
            ),
        ]);
}
