using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Regions;

/// <summary>Computes the status of a region from the observed state and the plan. Pure.</summary>
internal static class RegionStatusRules
{
    /// <summary>Longest time until the next reconcile of a ready region: the health of the servers is not part of an object that can be watched.</summary>
    public static readonly TimeSpan HealthInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BusyInterval = TimeSpan.FromSeconds(5);

    /// <summary>The status, and the changed conditions.</summary>
    public static (RegionStatus Status, IReadOnlyList<(V1Condition Condition, string? Former)> Changed) Build(
        V1Alpha1ShortenerRegion region,
        ObservedRegion observed,
        RegionPlan plan,
        DateTimeOffset now
    )
    {
        var conditions = new ConditionList(region.Status?.Conditions, region.Metadata.Generation, now);
        var dependencies = DependenciesOf(region, observed.Health);
        var isSuspended = region.Spec.IsSuspended();
        var (app, ready, busy) = (AppOf(observed, plan), ReadyPodsOf(observed), BusyWith(region, observed, plan, now));
        var isAppAvailable = observed.Deployment is not null && ready >= plan.Floor;
        var isReachable = IsReachable(dependencies);

        var rollout = RolloutOf(region, observed, plan);
        var failure = FailureOf(region, observed, plan, isAppAvailable, rollout, now);
        var isSettled = Rollouts.IsSettled(rollout, region.Status?.Conditions, region.Metadata.Generation, isSuspended);
        var (isReady, reason, message) = (failure, busy) switch
        {
            ({ } obstacle, _) => ((bool?)false, obstacle.Reason, obstacle.Message),
            _ when StoreReadiness.Find(region) is { } store => (false, store.Reason, store.Message),
            _ when plan.Repair.IsBehind && plan.Migration.State == MigrationState.Done => (false, Reasons.SchemaBehind, Behind(plan.Repair.Status)),
            (_, { } step) when !isAppAvailable => (false, step.Reason, step.Message),
            _ when !isAppAvailable => (false, Reasons.TooFewPods, $"{ready} pods serve; the minimum is {plan.Floor}."),
            _ when isReachable is null => (false, Reasons.NotKnown, "No pod reports whether it reaches the servers that it needs."),
            _ when isReachable is false => (false, Reasons.Unreachable, ReasonOf(dependencies)),
            // The pods that serve may be those of the previous specification.
            _ when !isSettled && isSuspended => (null, Reasons.SuspendedBySpec, "The region is suspended before its specification was applied."),
            (_, { } step) when !isSettled => (null, step.Reason, step.Message),
            _ when !isSettled => (null, Reasons.RollingOut, "The cluster has not confirmed the current specification yet."),
            _ => (true, Reasons.AsExpected, $"{ready} pods serve, and the app reaches all servers."),
        };
        conditions.Set(ConditionTypes.Ready, isReady, reason, message);
        if (failure is null && !isSuspended && busy is { } work)
            conditions.Set(ConditionTypes.Reconciling, true, work.Reason, work.Message);
        else
            conditions.Set(ConditionTypes.Reconciling, false, failure?.Reason ?? Reasons.AsExpected, "No change is in progress.");
        if (failure is { } stall)
            conditions.Set(ConditionTypes.Stalled, true, stall.Reason, stall.Message);
        else
            conditions.Set(ConditionTypes.Stalled, false, Reasons.AsExpected, "The object is not stalled.");
        conditions.Set(
            ConditionTypes.AppAvailable,
            isAppAvailable,
            isAppAvailable ? Reasons.EnoughPods : Reasons.TooFewPods,
            $"{ready} pods serve; the minimum is {plan.Floor}."
        );
        conditions.Set(
            ConditionTypes.DependenciesReachable,
            isReachable,
            isReachable switch
            {
                true => Reasons.Reachable,
                false => Reasons.Unreachable,
                _ => Reasons.NotKnown,
            },
            isReachable switch
            {
                true => "The app reaches all servers that it needs.",
                false => ReasonOf(dependencies),
                _ => "No pod answers.",
            }
        );
        if (region.Spec.KafkaOrNone() is not null)
            SetClickEvents(conditions, region, observed);
        SetSchema(conditions, plan.Repair, rollout);
        if (region.Spec.Monitoring.PodMonitor.Enabled)
            SetMonitored(conditions, region, observed, plan);
        conditions.Set(
            ConditionTypes.Suspended,
            isSuspended,
            isSuspended ? Reasons.SuspendedBySpec : Reasons.AsExpected,
            isSuspended ? $"spec.suspend is {region.Spec.Suspend}: the operator changes nothing. Set it to None to resume." : "The operator applies changes."
        );

        conditions.Keep(StoreReadiness.Types);

        var status = (region.Status ?? new RegionStatus()) with
        {
            ObservedGeneration = region.Metadata.Generation,
            Role = plan.Role.Role,
            FirstReadyTime = FirstReadyTimeOf(region, isReady == true, now),
            Topology = plan.Role.Topology,
            Schema = plan.Repair.Status == new SchemaStatus() ? null : plan.Repair.Status,
            App = app,
            Dependencies = dependencies.Count > 0 ? dependencies : null,
            Conditions = conditions.Conditions,
        };
        return (status, conditions.Changed);
    }

    /// <summary>Longest time until the next reconcile.</summary>
    public static TimeSpan IntervalOf(RegionStatus status) => ConditionEvents.IsTrue(status.Conditions, ConditionTypes.Ready) ? HealthInterval : BusyInterval;

    private static DateTime? FirstReadyTimeOf(V1Alpha1ShortenerRegion region, bool isReady, DateTimeOffset now) =>
        region.Status?.FirstReadyTime ?? (isReady || PrimaryRole.WasReady(region) ? StatusTime.Of(now) : null);

    // Progress of the Deployment towards the current specification.
    private static Rollout RolloutOf(V1Alpha1ShortenerRegion region, ObservedRegion observed, RegionPlan plan) =>
        Rollouts.Of(observed.Deployment, AppResources.BuildDeployment(region, plan.Process, plan.Migration.Digest));

    private static Obstacle? FailureOf(
        V1Alpha1ShortenerRegion region,
        ObservedRegion observed,
        RegionPlan plan,
        bool isAppAvailable,
        Rollout rollout,
        DateTimeOffset now
    )
    {
        if ((plan.Obstacle ?? (region.Spec.IsSuspended() ? null : MigrationFailureOf(region, observed, plan, now))) is { } obstacle)
            return obstacle;
        // The first migration after the database was replaced is not a failure.
        if (plan.Repair is { IsBehind: true, IsDue: false, Status.Repairs: > 1 } && plan.Migration.State == MigrationState.Done)
            return new Obstacle(Reasons.SchemaBehind, Behind(plan.Repair.Status) + " Repeated migrations did not change that.");
        if (rollout == Rollout.Done && isAppAvailable)
            return null;
        if (rollout != Rollout.Done && plan.Deploys && Rollouts.FindPause(observed.Deployment) is { } pause)
            return pause;
        if (Rollouts.FindTrouble(observed.Deployment, PodsOf(observed, Names.App), now) is var (reason, text))
            return new Obstacle(reason, $"Pods of the app do not run: {text}. Pods that ran before keep serving. The condition clears when the cause is gone.");
        return Rollouts.IsStuck(observed.Deployment)
            ? new Obstacle(
                Reasons.RolloutStuck,
                $"The rollout of {region.Spec.App.Image} makes no progress{PodTrouble.Explain(PodsOf(observed, Names.App), now)}. Pods of the "
                    + "previous version keep serving. Fix spec.app, or return to the previous image."
            )
            : null;
    }

    // Kafka is never needed to serve: this makes no region unready, holds up no rollout and moves no role.
    private static void SetClickEvents(ConditionList conditions, V1Alpha1ShortenerRegion region, ObservedRegion observed)
    {
        var missing = ClickEvents
            .SecretsOf(region)
            .Select(reference => SecretDigests.FindMissing(reference, observed.Secrets))
            .FirstOrDefault(found => found is not null);
        var (status, reason, message) = observed.Health?.Events switch
        {
            _ when missing is not null => ((bool?)false, missing.Reason, $"{missing.Message} Click events wait in the pods until then."),
            null => (null, Reasons.NotKnown, "No pod reports what becomes of click events."),
            EventStates.Delivered => (true, Reasons.AsExpected, "Click events arrive in Kafka."),
            EventStates.Unwritable => (
                false,
                Reasons.SpoolFailing,
                "The disk of a pod does not take click events. They arrive from memory, and are lost if Kafka fails or the pod ends."
            ),
            EventStates.Unreachable or EventStates.Unconfirmed => (
                false,
                Reasons.Unreachable,
                "Kafka does not confirm click events, or cannot be reached. They wait in the pods, and are lost with a pod that ends."
            ),
            { } kind => (
                false,
                Reasons.KafkaRefuses,
                $"Click events do not arrive in Kafka ({LastWords.Clean(kind)}); the log of the pods says why. They wait in the pods, and are lost with a pod that ends."
            ),
        };
        conditions.Set(ConditionTypes.ClickEventsDelivered, status, reason, message);
    }

    private static void SetSchema(ConditionList conditions, SchemaRepair repair, Rollout rollout)
    {
        var (status, reason, message) = repair switch
        {
            { IsBehind: true } => ((bool?)false, Reasons.SchemaBehind, Behind(repair.Status)),
            // While pods are replaced, those of the previous image find newer tables.
            { IsAhead: true } when rollout == Rollout.Done => (false, Reasons.SchemaAhead, Ahead(repair.Status)),
            { Status.State: SchemaState.Current } => (true, Reasons.AsExpected, "The database has the tables of the image."),
            _ => (null, Reasons.NotKnown, "No pod of the current image reports which tables it finds."),
        };
        conditions.Set(ConditionTypes.SchemaCurrent, status, reason, message);
    }

    private static void SetMonitored(ConditionList conditions, V1Alpha1ShortenerRegion region, ObservedRegion observed, RegionPlan plan)
    {
        var isThere = observed.PodMonitor is { } monitor && Owned.IsControlledBy(monitor, region);
        var (status, reason, message) =
            !observed.ServesPodMonitors
                ? (
                    false,
                    Reasons.KindNotServed,
                    "The cluster does not serve PodMonitor (monitoring.coreos.com/v1). Install prometheus-operator, or set spec.monitoring.podMonitor.enabled to "
                        + "false. The operator creates the PodMonitor when the cluster serves the kind."
                )
            : plan.MonitorObstacle is { } refusal ? (false, refusal.Reason, refusal.Message)
            : isThere || plan.Applies ? (true, Reasons.AsExpected, "The PodMonitor selects the pods of the region.")
            : plan.Obstacle is { } obstacle ? (false, obstacle.Reason, obstacle.Message)
            : (false, Reasons.SuspendedBySpec, "The region is suspended, and has no PodMonitor.");
        conditions.Set(ConditionTypes.Monitored, status, reason, message);
    }

    private static string Behind(SchemaStatus schema) =>
        $"The database lacks migrations{Counts(schema)}: it was emptied, replaced or restored. The operator migrates it again; after a restore, run "
        + "`restored` too (docs/backup.md).";

    private static string Ahead(SchemaStatus schema) =>
        $"A newer version of the product migrated the database{Counts(schema)}. The image may not work with it: return to the newer image.";

    private static string Counts(SchemaStatus schema) =>
        schema is { Applied: { } applied, Known: { } known } ? $" (it has {applied}, the image has {known})" : "";

    // Reported from the first failed pod on, because the Job's own attempts take minutes.
    private static Obstacle? MigrationFailureOf(V1Alpha1ShortenerRegion region, ObservedRegion observed, RegionPlan plan, DateTimeOffset now)
    {
        if (plan.Migration.State is not (MigrationState.Running or MigrationState.Failed))
            return null;
        var name = MigrationJob.NameOf(region, plan.Migration.Digest);
        var pods = PodsOf(observed, Names.Migrate).Where(pod => MigrationJob.IsPodOf(pod, name)).ToList();
        var cause = PodTrouble.FindFailure(pods);
        if (plan.Migration.State == MigrationState.Failed)
        {
            var why = cause ?? Migration.FailureOf(observed.Jobs, name);
            return new Obstacle(
                Reasons.MigrationFailed,
                $"Job {name} could not migrate the database{(why is null ? "" : $": {why}")}. The operator replaces the Job "
                    + $"{Migration.RetryDelay.TotalSeconds:0} s after its end."
            );
        }

        if (observed.Jobs.Any(job => job.Metadata.Name == name && job.Spec?.Suspend == true))
            return new Obstacle(
                Reasons.Paused,
                $"Job {name}, which migrates the database, is suspended. Run: kubectl patch job {name} --patch '{{\"spec\":{{\"suspend\":false}}}}'."
            );
        if (observed.MigrationRefusal is { } refusal)
            return new Obstacle(
                Reasons.PodsRefused,
                $"Job {name}, which migrates the database, cannot create its pod: {refusal}. The condition clears when the cause is gone."
            );
        if (cause is not null)
            return new Obstacle(Reasons.MigrationFailed, $"Job {name} could not migrate the database yet: {cause}. The Job tries again.");
        return PodTrouble.Find(pods, now) is { IsLasting: true } trouble
            ? new Obstacle(trouble.Reason, $"The migration of the database does not start: {trouble.Text}. The condition clears when the cause is gone.")
            : null;
    }

    // The change in progress; null: none.
    private static Obstacle? BusyWith(V1Alpha1ShortenerRegion region, ObservedRegion observed, RegionPlan plan, DateTimeOffset now)
    {
        if (plan.Migration.State == MigrationState.Missing && plan.Applies && !plan.StartsMigration)
            return new Obstacle(
                Reasons.Migrating,
                $"The migration of the database for {region.Spec.App.Image} starts when the pods of an earlier one have ended, and the connection "
                    + $"has been unchanged for {Migration.SettleTime.TotalSeconds:0} s."
            );
        if (plan.Migration.State is MigrationState.Missing or MigrationState.Running)
            return new Obstacle(
                Reasons.Migrating,
                $"A Job is migrating the database for {region.Spec.App.Image}{PodTrouble.Explain(PodsOf(observed, Names.Migrate), now)}."
            );
        if (observed.Deployment is not { } deployment)
            return new Obstacle(Reasons.RollingOut, "The operator is creating the Deployment of the app.");
        var (wanted, status) = (deployment.Spec.Replicas ?? 1, deployment.Status);
        return RolloutOf(region, observed, plan) == Rollout.Done && (status?.Replicas ?? 0) == wanted && (status?.AvailableReplicas ?? 0) == wanted
            ? null
            : new Obstacle(
                Reasons.RollingOut,
                $"{status?.UpdatedReplicas ?? 0} of {wanted} pods run the current specification, "
                    + $"{status?.AvailableReplicas ?? 0} serve{PodTrouble.Explain(PodsOf(observed, Names.App), now)}"
                    + $"{Rollouts.ExplainRefusal(deployment)}."
            );
    }

    private static IEnumerable<V1Pod> PodsOf(ObservedRegion observed, string component) =>
        observed.Pods.Where(pod => Labels.ComponentOf(pod.Metadata) == component);

    private static AppStatus AppOf(ObservedRegion observed, RegionPlan plan) =>
        new()
        {
            Replicas = observed.Deployment?.Status?.Replicas ?? 0,
            ReadyReplicas = observed.Deployment?.Status?.ReadyReplicas ?? 0,
            UpdatedReplicas = observed.Deployment?.Status?.UpdatedReplicas ?? 0,
            Selector = Labels.Text(Labels.SelectorOf(plan.Process.Instance, Names.App)),
            HpaDesired = observed.Autoscaler?.Status?.DesiredReplicas,
        };

    private static int ReadyPodsOf(ObservedRegion observed) => observed.Deployment?.Status?.AvailableReplicas ?? 0;

    private static List<DependencyStatus> DependenciesOf(V1Alpha1ShortenerRegion region, HealthResponse? health)
    {
        var found = new List<DependencyStatus>();
        // That of a standby region is meant to accept no writes.
        var database = health?.Components?.Database;
        Add(
            "postgres",
            database == HealthStatus.Degraded && StoreReadiness.IsStandby(region) ? HealthStatus.Healthy : database,
            StoreConnections.PostgresOf(region) is not null
        );
        Add("redis", health?.Components?.Cache, StoreConnections.RedisOf(region) is not null);
        return found;

        void Add(string name, string? state, bool isUsed)
        {
            if (!isUsed)
                return;
            found.Add(
                new DependencyStatus
                {
                    Name = name,
                    Reachable = state is null ? null : state == HealthStatus.Healthy,
                    Reason = state switch
                    {
                        null or HealthStatus.Healthy => null,
                        HealthStatus.Unhealthy => $"The app does not reach {name}.",
                        _ => $"The app reaches {name} only in part: some servers do not answer, or it accepts no writes.",
                    },
                }
            );
        }
    }

    private static bool? IsReachable(List<DependencyStatus> dependencies) =>
        dependencies.Any(dependency => dependency.Reachable == false) ? false
        : dependencies.All(dependency => dependency.Reachable == true) ? true
        : null;

    private static string ReasonOf(List<DependencyStatus> dependencies) =>
        string.Join(' ', dependencies.Select(dependency => dependency.Reason).OfType<string>());
}
