using System.Runtime.CompilerServices;
using Prometheus;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Postgres;

/// <summary>Metrics of the PostgreSQL that the operator runs, removed with the region.</summary>
internal static class PostgresMetrics
{
    private static readonly string[] Names = ["object_namespace", "name", "region"];
    private static readonly FailoverCause[] Causes = [FailoverCause.Native, FailoverCause.Assisted, FailoverCause.Planned];
    private static readonly string[] Steps =
    [
        nameof(RolloutStep.Replace),
        nameof(RolloutStep.Restart),
        nameof(RolloutStep.Switchover),
        nameof(RolloutStep.Rebuild),
    ];

    private static readonly Gauge Ready = Metrics.CreateGauge(
        "shortener_postgres_cluster_ready",
        "1 while a primary accepts writes, or leads the copy of a standby region.",
        Names
    );
    private static readonly Gauge Members = Metrics.CreateGauge("shortener_postgres_cluster_members", "Members that are to run.", Names);
    private static readonly Gauge ReadyMembers = Metrics.CreateGauge(
        "shortener_postgres_cluster_members_ready",
        "Members that serve: the primary, and the replicas that receive its changes.",
        Names
    );
    private static readonly Gauge Synchronous = Metrics.CreateGauge(
        "shortener_postgres_cluster_synchrony_healthy",
        "1 while the replicas for which PostgreSQL waits are enough, and are those that may become the primary. Absent with durability Async.",
        Names
    );
    private static readonly Gauge Lag = Metrics.CreateGauge(
        "shortener_postgres_cluster_lag_bytes",
        "Changes of the primary that the member has not received yet.",
        [.. Names, "member"]
    );
    private static readonly Counter Assists = Metrics.CreateCounter(
        "shortener_postgres_cluster_elections_started_total",
        "Elections that the operator started: a primary was proven dead, or Patroni elected nobody.",
        Names
    );
    private static readonly Counter Failovers = Metrics.CreateCounter(
        "shortener_postgres_cluster_failovers_total",
        "Moves of the primary role to another member, by cause.",
        [.. Names, "cause"]
    );
    private static readonly Histogram Seconds = Metrics.CreateHistogram(
        "shortener_postgres_cluster_failover_seconds",
        "Time from the moment at which the operator saw no primary until the new one accepted writes.",
        Names,
        new HistogramConfiguration { Buckets = [0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120] }
    );

    private static readonly Histogram SwitchoverSeconds = Metrics.CreateHistogram(
        "shortener_postgres_cluster_switchover_seconds",
        "Time from the operator's request to move the primary until the new one accepted writes.",
        Names,
        new HistogramConfiguration { Buckets = [0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60] }
    );
    private static readonly Gauge Low = Metrics.CreateGauge(
        "shortener_postgres_cluster_volumes_low",
        "Members that have less than a twentieth of their volume left, and less than 10 GiB.",
        Names
    );
    private static readonly Gauge Outdated = Metrics.CreateGauge(
        "shortener_postgres_cluster_members_outdated",
        "Members that do not run the current specification, or that need a restart for a parameter.",
        Names
    );
    private static readonly Gauge PasswordCurrent = Metrics.CreateGauge(
        "shortener_postgres_cluster_password_current",
        "0 while a former password of the app is still valid.",
        Names
    );
    private static readonly Gauge Replicating = Metrics.CreateGauge(
        "shortener_postgres_standby_replicating",
        "1 while the PostgreSQL of a standby region receives the changes of the primary region. Absent for others.",
        Names
    );
    private static readonly Gauge StandbyLag = Metrics.CreateGauge(
        "shortener_postgres_standby_lag_bytes",
        "Changes of the primary region that a standby region has not applied yet, by what the primary told last. Absent for others.",
        Names
    );
    private static readonly Gauge Saved = Metrics.CreateGauge(
        "shortener_postgres_cluster_saved_changes",
        "Changes that only this region had when another one became the primary, in files on the volumes of its members.",
        Names
    );
    private static readonly Counter Taken = Metrics.CreateCounter(
        "shortener_postgres_cluster_steps_total",
        "Steps that the operator took at members: pods that it replaced, restarts of PostgreSQL, moves of the primary that it asked for, and replicas that it copied anew.",
        [.. Names, "step"]
    );

    /// <summary>Registers the metrics, so that a process without such a region tells of them too.</summary>
    public static void Prepare() => RuntimeHelpers.RunClassConstructor(typeof(PostgresMetrics).TypeHandle);

    /// <summary>Sets the metrics of a region.</summary>
    public static void Set(
        V1Alpha1ShortenerRegion region,
        ObservedPostgres observed,
        PostgresPlan plan,
        ConditionList conditions,
        IReadOnlyList<PostgresSavedChanges>? saved
    )
    {
        var labels = LabelsOf(region);
        Saved.WithLabels(labels).Set((saved ?? []).Sum(file => file.Count ?? 0));
        Ready.WithLabels(labels).Set(observed.Leader is not null && observed.Connection is not null ? 1 : 0);
        Members.WithLabels(labels).Set(region.Spec.Postgres!.Instances);
        ReadyMembers.WithLabels(labels).Set(observed.Members.Keys.Count(name => plan.IsServing(observed, name)));
        if (conditions.Conditions.Any(condition => condition.Type == ConditionTypes.SyncReplicationHealthy))
            Synchronous.WithLabels(labels).Set(conditions.IsTrue(ConditionTypes.SyncReplicationHealthy) ? 1 : 0);
        else
            Synchronous.RemoveLabelled(labels);
        Assists.WithLabels(labels);
        Seconds.WithLabels(labels);
        SwitchoverSeconds.WithLabels(labels);
        Low.WithLabels(labels).Set(observed.Pods.Count(pod => VolumeRoom.Of(pod)?.IsLow == true));
        Outdated.WithLabels(labels).Set(plan.Rollout.Outdated.Count);
        PasswordCurrent
            .WithLabels(labels)
            .Set(conditions.Conditions.Any(one => one is { Type: ConditionTypes.PostgresPasswordCurrent, Status: "False" }) ? 0 : 1);
        foreach (var step in Steps)
            Taken.WithLabels([.. labels, step]);
        foreach (var cause in Causes)
            Failovers.WithLabels([.. labels, cause.ToString()]);
        if (plan.Place.Source is not null)
            Replicating.WithLabels(labels).Set(conditions.IsTrue(ConditionTypes.StandbyReplicating) ? 1 : 0);
        else
            Replicating.RemoveLabelled(labels);
        if (observed is { IsStandby: true, Leader.Member: { LatestEnd: { } latest, Position.Replayed: { } replayed } })
            StandbyLag.WithLabels(labels).Set(Math.Max(0, latest - replayed));
        else
            StandbyLag.RemoveLabelled(labels);
        var written = observed.Leader?.Member.End;
        for (var ordinal = 0; ordinal < region.Spec.Postgres.Instances; ordinal++)
        {
            var name = PostgresNames.MemberOf(region, ordinal);
            if (written is { } end && observed.Members.GetValueOrDefault(name)?.Position?.Received is { } received)
                Lag.WithLabels([.. labels, name]).Set(Math.Max(0, end - received));
            else
                Lag.RemoveLabelled([.. labels, name]);
        }
    }

    /// <summary>Counts an election that the operator started.</summary>
    public static void CountAssist(V1Alpha1ShortenerRegion region) => Assists.WithLabels(LabelsOf(region)).Inc();

    /// <summary>Counts a move of the primary role.</summary>
    public static void CountFailover(V1Alpha1ShortenerRegion region, PostgresFailover failover)
    {
        Failovers.WithLabels([.. LabelsOf(region), failover.Cause.ToString()]).Inc();
        (failover.Cause == FailoverCause.Planned ? SwitchoverSeconds : Seconds).WithLabels(LabelsOf(region)).Observe(failover.Duration.TotalSeconds);
    }

    /// <summary>Counts a step of a rollout.</summary>
    public static void CountStep(V1Alpha1ShortenerRegion region, RolloutStep step) =>
        Taken.WithLabels([.. LabelsOf(region), step is RolloutStep.Renew ? nameof(RolloutStep.Replace) : step.GetType().Name]).Inc();

    /// <summary>Removes the metrics of a region.</summary>
    public static void Remove(V1Alpha1ShortenerRegion region)
    {
        var labels = LabelsOf(region);
        foreach (var gauge in new[] { Ready, Members, ReadyMembers, Synchronous, Low, Outdated, PasswordCurrent, Replicating, StandbyLag, Saved })
            gauge.RemoveLabelled(labels);
        Assists.RemoveLabelled(labels);
        Seconds.RemoveLabelled(labels);
        SwitchoverSeconds.RemoveLabelled(labels);
        foreach (var step in Steps)
            Taken.RemoveLabelled([.. labels, step]);
        foreach (var cause in Causes)
            Failovers.RemoveLabelled([.. labels, cause.ToString()]);
        for (var ordinal = 0; ordinal < (region.Spec.Postgres?.Instances ?? 0); ordinal++)
            Lag.RemoveLabelled([.. labels, PostgresNames.MemberOf(region, ordinal)]);
    }

    private static string[] LabelsOf(V1Alpha1ShortenerRegion region) => [region.Metadata.NamespaceProperty, region.Metadata.Name, region.Spec.Region];
}
