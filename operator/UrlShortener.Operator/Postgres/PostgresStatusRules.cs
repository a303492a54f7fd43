using System.Globalization;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Postgres;

/// <summary>Computes the part of a region's status that describes its PostgreSQL. Pure.</summary>
internal static class PostgresStatusRules
{
    /// <summary>The part of the status that the controller of PostgreSQL writes.</summary>
    public static readonly StatusPart Part = new(
        "postgres",
        [
            ConditionTypes.PostgresReady,
            ConditionTypes.PostgresDegraded,
            ConditionTypes.SyncReplicationHealthy,
            ConditionTypes.PostgresUpToDate,
            ConditionTypes.PostgresPasswordCurrent,
            ConditionTypes.StandbyReplicating,
        ],
        FieldManagers.Postgres
    );

    private const int MaxInstances = 16;
    private const int MaxName = 32;
    private const int MaxState = 64;

    private static readonly TimeSpan QuietInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BusyInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LostInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>The status, and the changed conditions.</summary>
    public static (PostgresStatus Status, ConditionList Conditions) Build(
        V1Alpha1ShortenerRegion region,
        ObservedPostgres observed,
        PostgresPlan plan,
        DateTimeOffset now
    )
    {
        var conditions = new ConditionList(region.Status?.Conditions, region.Metadata.Generation, now);
        SetReady(conditions, region, observed, plan, now);
        SetDegraded(conditions, region, observed, plan, now);
        if (observed.HasSynchrony(region.Spec.Postgres!))
            SetSynchrony(conditions, region, observed, plan);
        if (plan.Place is { Source: not null } or { Obstacle: not null })
            SetStandby(conditions, region, observed, plan);
        SetUpToDate(conditions, plan, region.Spec.Postgres!.Instances);
        SetPasswordCurrent(conditions, region, observed, plan);
        var former = region.Status?.Postgres;
        var status = new PostgresStatus
        {
            Primary = observed.Primary?.Name,
            StandbyLeader = observed.IsStandby ? observed.Leader?.Name : null,
            Version = VersionOf(observed.Leader?.Member.ServerVersion) ?? former?.Version,
            Timeline = observed.Leader?.Member.Timeline ?? former?.Timeline,
            SystemIdentifier = Cut(observed.Leader?.Member.SystemIdentifier, MaxName) ?? former?.SystemIdentifier,
            Authorities = plan.Place.Peers.Count > 0 ? plan.Memory.Connections?.Set.Authorities ?? former?.Authorities : null,
            WaitsAt = plan.Memory.Waits?.Received,
            AppRole = plan.Place.Source is null ? null : plan.Memory.AppRole ?? former?.AppRole,
            Standbys = StandbysOf(observed, plan, former),
            ReadyInstances = observed.Members.Keys.Count(name => plan.IsServing(observed, name)),
            Instances =
            [
                // The limits of the schema: the API server would refuse a status with whatever else a member answers.
                .. observed
                    .Pods.Take(MaxInstances)
                    .Select(pod => new PostgresInstance
                    {
                        Name = pod.Metadata.Name,
                        Role = Cut(observed.Members.GetValueOrDefault(pod.Metadata.Name)?.Role, MaxName),
                        State = Cut(StateOf(observed.Members.GetValueOrDefault(pod.Metadata.Name)), MaxState),
                    }),
            ],
            Switchover = plan.Switchover,
            // A request waits until the region is the primary one.
            PasswordRotation = plan.Place.Source is not null
                ? former?.PasswordRotation
                : PasswordRotation.Follow(
                    former?.PasswordRotation,
                    PasswordRotation.RequestOf(region),
                    PostgresPlan.BegunOf(observed),
                    plan.IsPasswordSettled,
                    plan.Memory.RetirementWaits,
                    now
                ),
            SavedChanges = SavedChanges.FilesOf(observed.Pods, former?.SavedChanges),
            LastFailover = plan.Memory.Untold is { } ended ? StatusOf(ended) : former?.LastFailover,
        };
        return (status, conditions);
    }

    /// <summary>Longest time until the next reconcile.</summary>
    public static TimeSpan IntervalOf(V1Alpha1ShortenerRegion region, ConditionList conditions, PostgresPlan plan) =>
        plan.Memory.LostSince is not null || plan.Memory.Switchover is not null ? LostInterval
        : !plan.IsPasswordSettled || plan.Memory.Contradiction is not null ? BusyInterval
        : !plan.Rollout.IsDone || plan.Scale is { Blocked: not null } || plan.Scale?.Replicas != region.Spec.Postgres!.Instances || plan.Growth is not null
            ? BusyInterval
        : plan.Place.Source is not null && !conditions.IsTrue(ConditionTypes.StandbyReplicating) ? BusyInterval
        : conditions.IsTrue(ConditionTypes.PostgresReady) && !conditions.IsTrue(ConditionTypes.PostgresDegraded) ? QuietInterval
        : BusyInterval;

    private static void SetReady(ConditionList conditions, V1Alpha1ShortenerRegion region, ObservedPostgres observed, PostgresPlan plan, DateTimeOffset now)
    {
        var (status, reason, message) = observed.Leader switch
        {
            _ when plan.Obstacle is { } obstacle => (false, obstacle.Reason, obstacle.Message),
            null when plan.Memory.LostSince is not null => (
                false,
                Reasons.NoPrimary,
                $"No member {(plan.Place.Source is null ? "accepts writes" : "leads the others")}. The last one was {plan.Memory.Primary}{PodTrouble.Explain(observed.Pods, now)}."
            ),
            null when plan.Place is { Waits: true, Obstacle: { } wait } => (false, wait.Reason, wait.Message),
            null when plan.Replicas == 0 => (false, Reasons.StoreStarting, $"A backup is restored first; {ConditionTypes.RestoreSucceeded} tells."),
            null => (false, Reasons.StoreStarting, $"The members start{PodTrouble.Explain(observed.Pods, now)}."),
            { Member.IsStandbyLeader: true } when observed.Connection is null => (
                false,
                Reasons.StoreStarting,
                "The operator waits until the copy accepts the app's password of the primary region."
            ),
            _ when observed.Connection is null => (false, Reasons.StoreStarting, "The operator creates the app's role and database."),
            { Member.IsStandbyLeader: true } when plan.Place.IsSource => (false, Reasons.ChangingRole, "The members become those of the primary region."),
            { Member.IsStandbyLeader: true } standby => (true, Reasons.StandbyRegion, $"{standby.Name} leads the copy of another region's database."),
            { } primary => (true, Reasons.AsExpected, $"{primary.Name} accepts writes."),
        };
        conditions.Set(ConditionTypes.PostgresReady, status, reason, message);
    }

    private static void SetDegraded(ConditionList conditions, V1Alpha1ShortenerRegion region, ObservedPostgres observed, PostgresPlan plan, DateTimeOffset now)
    {
        var wanted = region.Spec.Postgres!.Instances;
        var missing = Enumerable
            .Range(0, wanted)
            .Select(ordinal => PostgresNames.MemberOf(region, ordinal))
            .Where(name => !plan.IsServing(observed, name))
            .Select(name => $"{name} ({(plan.Stalled.Contains(name) ? "receives nothing" : StateOf(observed.Members.GetValueOrDefault(name)))})")
            .ToList();
        if (SavedChanges.DescribeWaits(observed.Pods) is { } waits)
            conditions.Set(ConditionTypes.PostgresDegraded, true, Reasons.ChangesNotSaved, WaitsText(waits));
        else if (VolumeRoom.Describe(observed.Pods) is { } low)
            conditions.Set(
                ConditionTypes.PostgresDegraded,
                true,
                Reasons.VolumeFull,
                $"Volumes are nearly full: {low}. PostgreSQL ends when its write-ahead log finds no room. Raise spec.postgres.storage.size, or remove data."
                    + (missing.Count == 0 ? "" : $" {missing.Count} of {wanted} members do not serve: {string.Join(", ", missing)}.")
            );
        else if (MemberRejoin.Describe(plan.Memory, now) is { } diverged)
            conditions.Set(
                ConditionTypes.PostgresDegraded,
                true,
                Reasons.MemberDiverged,
                $"{diverged}. "
                    + (
                        region.Spec.Postgres.Rejoin == RejoinPolicy.Automatic
                            ? "The operator copies one that is alone anew, while all others serve."
                            : $"Copy it anew with patronictl reinit {PostgresNames.ScopeOf(region)} MEMBER."
                    )
            );
        else if (missing.Count == 0)
            conditions.Set(ConditionTypes.PostgresDegraded, false, Reasons.AsExpected, "All members serve.");
        else
            conditions.Set(
                ConditionTypes.PostgresDegraded,
                true,
                Reasons.MembersMissing,
                $"{missing.Count} of {wanted} members do not serve: {string.Join(", ", missing)}{PodTrouble.Explain(observed.Pods, now)}."
            );
    }

    private static string WaitsText(string waits) =>
        $"{waits}. Its PostgreSQL does not run meanwhile. Make room on its volume, or discard them; see docs/runbooks/ShortenerPostgresStandbyAway.md.";

    private static void SetUpToDate(ConditionList conditions, PostgresPlan plan, int instances)
    {
        var rollout = plan.Rollout;
        var members = string.Join(", ", rollout.Outdated);
        var (status, reason, message) = rollout switch
        {
            _ when plan.Memory.Review is { Refusals: { Count: > 0 } refusals } review => (
                false,
                Reasons.ParametersRefused,
                $"spec.postgres.parameters: {string.Join("; ", refusals)}. {(review.IsApplied ? "PostgreSQL keeps the former value" : "The members keep the former parameters")}."
            ),
            _ when plan.Growth is { } growth => (false, growth.Reason, growth.Message),
            { IsDone: true } when plan.Scale is { } scale && (scale.Replicas != instances || scale.Blocked is not null) => (
                false,
                Reasons.RollingOut,
                $"The StatefulSet has {scale.Replicas} members, and {instances} are wanted. Next: {scale.Blocked ?? "one is removed"}."
            ),
            { IsDone: true } => (true, Reasons.AsExpected, "All members run the current specification."),
            { Outdated.Count: 0 } => (false, Reasons.RollingOut, $"Next: {rollout.Blocked}."),
            { IsStuck: true } => (false, Reasons.RolloutStuck, $"{members} run another specification. The rollout stands still: {rollout.Blocked}."),
            { Blocked: { } blocked } => (false, Reasons.RollingOut, $"{members} run another specification. Next: {blocked}."),
            { Step: { } step } => (false, Reasons.RollingOut, $"{members} run another specification. Next: {Text(step)}."),
            _ => (false, Reasons.RollingOut, $"{members} run another specification."),
        };
        conditions.Set(ConditionTypes.PostgresUpToDate, status, reason, message);
    }

    private static void SetPasswordCurrent(ConditionList conditions, V1Alpha1ShortenerRegion region, ObservedPostgres observed, PostgresPlan plan)
    {
        // What was told stays until the members were asked again, such as after a failover.
        var former = region.Status?.Conditions?.FirstOrDefault(condition => condition.Type == ConditionTypes.PostgresPasswordCurrent);
        var (status, reason, message) = plan switch
        {
            { Place.Source: { } source, IsPasswordSettled: true } => (
                (bool?)true,
                Reasons.StandbyRegion,
                $"The app has the password of region {source.Spec.Region}."
            ),
            { Place.Source: { } source } when observed.Connection is not null => (
                false,
                Reasons.PasswordRotating,
                $"The app gets the password of region {source.Spec.Region}, or still uses the former one."
            ),
            { IsPasswordSettled: true } => (true, Reasons.AsExpected, "Only the current password of the app is valid."),
            { Memory.RetirementWaits: { } waits } => (false, Reasons.PasswordRotating, $"{waits}."),
            _ when former is { Status: "True" or "False" } => (former.Status == "True", former.Reason, former.Message),
            _ => ((bool?)null, Reasons.StoreStarting, "The app has no connection yet."),
        };
        conditions.Set(ConditionTypes.PostgresPasswordCurrent, status, reason, message);
    }

    private static void SetStandby(ConditionList conditions, V1Alpha1ShortenerRegion region, ObservedPostgres observed, PostgresPlan plan)
    {
        var (status, reason, message) = plan.Place switch
        {
            { Obstacle: { } obstacle } => (false, obstacle.Reason, obstacle.Message),
            { Source: { } source } => DescribeStandby(region, source, observed, plan),
            _ => ((bool?)null, Reasons.NotKnown, "It is not known whom to follow."),
        };
        conditions.Set(ConditionTypes.StandbyReplicating, status, reason, message);
    }

    private static (bool? Status, string Reason, string Message) DescribeStandby(
        V1Alpha1ShortenerRegion region,
        V1Alpha1ShortenerRegion source,
        ObservedPostgres observed,
        PostgresPlan plan
    )
    {
        var (name, (host, port)) = (source.Spec.Region, PostgresNames.ReplicationEndpointOf(source));
        return observed.Leader switch
        {
            { Member.IsStandbyLeader: true } when RegionCopy.IsLost(region, source) => (
                false,
                Reasons.SlotLost,
                $"The region was away for so long that region {name} no longer has what it needs. "
                    + (
                        region.Spec.Postgres!.Rejoin == RejoinPolicy.Automatic
                            ? "A further member copies the database anew, and then leads."
                            : "Set spec.postgres.rejoin to Automatic, and the operator copies the database anew. Or delete this ShortenerRegion with the volumes of its "
                                + "PostgreSQL, and create it again."
                    )
            ),
            null when SavedChanges.DescribeWaits(observed.Pods) is { } waits => (false, Reasons.ChangesNotSaved, WaitsText(waits)),
            null => (false, Reasons.StoreStarting, $"The members start, or copy the database of region {name} from {host}:{port}."),
            { Member.IsPrimary: true } => (false, Reasons.ChangingRole, $"The members become a standby of region {name}."),
            { } leader when plan.Memory.Waits is null => (true, Reasons.AsExpected, $"{leader.Name} receives the changes of region {name}."),
            { } leader => (
                false,
                Reasons.NotReceiving,
                $"{leader.Name} receives nothing from {host}:{port}, the primary of region {name}{Explain(source)}. Its log has the words of the last attempt."
            ),
        };
    }

    private static string Explain(V1Alpha1ShortenerRegion source) =>
        source.Status?.Conditions?.FirstOrDefault(condition => condition is { Type: ConditionTypes.PostgresReady, Status: not "True" }) is { } why
            ? $" ({ConditionTypes.PostgresReady} there: {why.Message.TrimEnd('.')})"
            : "";

    // An answer that did not come changes nothing.
    private static List<PostgresStandby>? StandbysOf(ObservedPostgres observed, PostgresPlan plan, PostgresStatus? former)
    {
        if (!plan.Place.IsSource || plan.Place.Peers.Count == 0)
            return null;
        List<PostgresStandby> standbys =
        [
            .. plan
                .Place.Peers.Take(MaxInstances)
                .Select(peer => new PostgresStandby
                {
                    Region = peer.Spec.Region,
                    State =
                        observed.Slots?.StateOf(peer)
                        ?? former?.Standbys?.FirstOrDefault(known => known.Region == peer.Spec.Region)?.State
                        ?? StandbyState.Away,
                }),
        ];
        return standbys;
    }

    private static string Text(RolloutStep step) =>
        step switch
        {
            RolloutStep.Replace or RolloutStep.Renew => $"the pod of {step.Member} is replaced",
            RolloutStep.Restart => $"PostgreSQL in {step.Member} is restarted",
            RolloutStep.Rebuild => $"{step.Member} is copied anew",
            RolloutStep.Switchover move => $"the primary moves from {move.Member} to {move.To}",
            _ => step.Member,
        };

    // Compares what PostgreSQL itself waits for with the members that Patroni may promote: one that is promoted without having every acknowledged write loses some.
    private static void SetSynchrony(ConditionList conditions, V1Alpha1ShortenerRegion region, ObservedPostgres observed, PostgresPlan plan)
    {
        var spec = region.Spec.Postgres!;
        var waitedFor = observed.WaitedFor;
        var unsafeToPromote = observed.SyncStandbys.Where(name => !waitedFor.Contains(name)).ToList();
        var (status, reason, message) = observed.Primary switch
        {
            null => ((bool?)null, Reasons.NoPrimary, "No member accepts writes."),
            _ when waitedFor.Count < spec.SyncNodeCount => (
                false,
                Reasons.NoSyncReplica,
                spec.Durability == Durability.Strict
                    ? $"{waitedFor.Count} replicas are synchronous; {spec.SyncNodeCount} must be. Writes wait until there are enough."
                    : $"{waitedFor.Count} replicas are synchronous; {spec.SyncNodeCount} should be. Writes are acknowledged with fewer copies."
            ),
            _ when plan.Memory.Contradiction is { } contradiction => (
                false,
                Reasons.SyncMismatch,
                $"Patroni's record of the synchronous replicas, ConfigMap {PostgresNames.SyncOf(region)}, {contradiction.Text}. This is normal for a few seconds "
                    + "after a change. If Patroni does not mend it, the operator resets it."
            ),
            _ when observed.SyncStandbys.Count == 0 => (
                false,
                Reasons.SyncMismatch,
                "Patroni may promote no replica, although some are synchronous. This is normal for a few seconds after a change."
            ),
            _ when unsafeToPromote.Count > 0 => (
                false,
                Reasons.SyncMismatch,
                $"Patroni may promote {string.Join(", ", unsafeToPromote)}, for which PostgreSQL does not wait. This is normal for a few seconds after a change."
            ),
            _ => (true, Reasons.AsExpected, $"{waitedFor.Count} replicas are synchronous."),
        };
        conditions.Set(ConditionTypes.SyncReplicationHealthy, status, reason, message);
    }

    /// <summary>The state of a member in a word or two.</summary>
    /// <param name="member">What it answers; null: it does not.</param>
    public static string StateOf(PatroniMember? member) =>
        member switch
        {
            null => "unreachable",
            { IsStreaming: true } => "streaming",
            { State: { } state } => state,
            _ => "unknown",
        };

    private static PostgresFailoverStatus StatusOf(PostgresFailover ended) =>
        new()
        {
            From = ended.From,
            To = ended.To,
            Cause = ended.Cause.ToString(),
            At = StatusTime.Of(ended.At),
            DurationMillis = (int)Math.Min(ended.Duration.TotalMilliseconds, int.MaxValue),
        };

    private static string? Cut(string? text, int length) => text is null ? null : Texts.Cut(text, length);

    private static string? VersionOf(int? number) =>
        number is { } version ? string.Create(CultureInfo.InvariantCulture, $"{version / 10_000}.{version % 10_000}") : null;
}
