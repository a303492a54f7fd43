using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Regions;

/// <summary>Computes the status of a region from the observed state and the plan. Pure.</summary>
internal static class RegionStatusRules
{
    // The health of the servers is not an object that can be watched.
    private static readonly TimeSpan HealthInterval = TimeSpan.FromSeconds(30);
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
        var dependencies = DependenciesOf(region.Spec, observed.Health);
        var isSuspended = region.Spec.IsSuspended();
        var (app, ready, busy) = (AppOf(observed, plan), ReadyPodsOf(observed), BusyWith(region, observed, plan));
        var isAppAvailable = ready >= plan.Floor;
        var isReachable = IsReachable(dependencies);

        var failure = FailureOf(region, observed, plan);
        var isReady = failure is null && observed.Deployment is not null && isAppAvailable && isReachable == true;
        var (reason, message) = (failure, busy) switch
        {
            ({ } obstacle, _) => (obstacle.Reason, obstacle.Message),
            _ when isReady => (Reasons.AsExpected, $"{ready} pods serve, and the app reaches all servers."),
            (_, { } step) when !isAppAvailable => (step.Reason, step.Message),
            _ when !isAppAvailable => (Reasons.TooFewPods, $"{ready} pods serve; the minimum is {plan.Floor}."),
            _ when isReachable is null => (Reasons.NotKnown, "No pod reports whether it reaches the servers that it needs."),
            _ => (Reasons.Unreachable, ReasonOf(dependencies)),
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
            isAppAvailable && observed.Deployment is not null,
            isAppAvailable && observed.Deployment is not null ? Reasons.EnoughPods : Reasons.TooFewPods,
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
        conditions.Set(
            ConditionTypes.Suspended,
            isSuspended,
            isSuspended ? Reasons.SuspendedBySpec : Reasons.AsExpected,
            isSuspended ? $"spec.suspend is {region.Spec.Suspend}: the operator changes nothing. Set it to None to resume." : "The operator applies changes."
        );

        var status = (region.Status ?? new RegionStatus()) with
        {
            ObservedGeneration = region.Metadata.Generation,
            Role = plan.Role.Role,
            FirstReadyTime = FirstReadyTimeOf(region, isReady, now),
            Topology = plan.Role.Topology,
            App = app,
            Dependencies = dependencies.Count > 0 ? dependencies : null,
            Conditions = conditions.Conditions,
        };
        return (status, conditions.Changed);
    }

    /// <summary>When to look again at the latest.</summary>
    public static TimeSpan IntervalOf(RegionStatus status) => ConditionEvents.IsTrue(status.Conditions, ConditionTypes.Ready) ? HealthInterval : BusyInterval;

    private static DateTime? FirstReadyTimeOf(V1Alpha1ShortenerRegion region, bool isReady, DateTimeOffset now) =>
        region.Status?.FirstReadyTime
        ?? (isReady || PrimaryRole.WasReady(region) ? DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds()).UtcDateTime : null);

    private static Obstacle? FailureOf(V1Alpha1ShortenerRegion region, ObservedRegion observed, RegionPlan plan)
    {
        if (plan.Obstacle is not null)
            return plan.Obstacle;
        if (plan.Migration.State == MigrationState.Failed)
        {
            var job = MigrationJob.NameOf(region, plan.Migration.Digest);
            return new Obstacle(
                Reasons.MigrationFailed,
                $"Job {job} could not migrate the database{Explain(observed, Names.Migrate)}. See its log. The "
                    + $"operator retries every {Migration.RetryDelay.TotalSeconds:0} s."
            );
        }

        return observed.Deployment?.Status?.Conditions?.Any(condition => condition is { Type: "Progressing", Status: "False" }) == true
            ? new Obstacle(
                Reasons.RolloutStuck,
                $"The rollout of {region.Spec.App.Image} makes no progress{Explain(observed, Names.App)}. Pods of the "
                    + "previous version keep serving. Fix spec.app, or return to the previous image."
            )
            : null;
    }

    // The change in progress; null: none.
    private static Obstacle? BusyWith(V1Alpha1ShortenerRegion region, ObservedRegion observed, RegionPlan plan)
    {
        if (plan.Migration.State is MigrationState.Missing or MigrationState.Running)
            return new Obstacle(Reasons.Migrating, $"A Job is migrating the database for {region.Spec.App.Image}{Explain(observed, Names.Migrate)}.");
        if (observed.Deployment is not { } deployment)
            return new Obstacle(Reasons.RollingOut, "The operator is creating the Deployment of the app.");
        var (wanted, status) = (deployment.Spec.Replicas ?? 1, deployment.Status);
        var isRolledOut =
            status?.ObservedGeneration >= deployment.Metadata.Generation
            && (status.UpdatedReplicas ?? 0) == wanted
            && (status.Replicas ?? 0) == wanted
            && (status.AvailableReplicas ?? 0) == wanted;
        var isCurrent = Owned.IsApplied(deployment, AppResources.BuildDeployment(region, plan.Process, plan.Migration.Digest));
        return isRolledOut && isCurrent
            ? null
            : new Obstacle(
                Reasons.RollingOut,
                $"{status?.UpdatedReplicas ?? 0} of {wanted} pods run the current specification, "
                    + $"{status?.AvailableReplicas ?? 0} serve{Explain(observed, Names.App)}."
            );
    }

    private static string Explain(ObservedRegion observed, string component) =>
        PodTrouble.Explain([.. observed.Pods.Where(pod => Labels.ComponentOf(pod.Metadata) == component)]);

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

    private static List<DependencyStatus> DependenciesOf(RegionSpec spec, HealthResponse? health)
    {
        var found = new List<DependencyStatus>();
        Add("postgres", health?.Components?.Database, spec.Connections.PostgresSecretRef is not null);
        Add("redis", health?.Components?.Cache, spec.Connections.RedisSecretRef is not null);
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
