using System.Runtime.CompilerServices;
using Prometheus;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Backups;

/// <summary>Metrics of the backups of the PostgreSQL that the operator runs, removed with the region.</summary>
internal static class BackupMetrics
{
    private static readonly string[] Names = ["object_namespace", "name", "region"];
    private static readonly string[] Results = ["success", "failure"];

    private static readonly Gauge Healthy = Metrics.CreateGauge(
        "shortener_postgres_backup_healthy",
        "1 while the newest backup is not older than its schedule.",
        Names
    );
    private static readonly Gauge Archiving = Metrics.CreateGauge(
        "shortener_postgres_backup_archiving",
        "1 while the write-ahead log reaches the archive in time and without a gap. Absent while unknown.",
        Names
    );
    private static readonly Gauge Waiting = Metrics.CreateGauge(
        "shortener_postgres_backup_archive_delay_seconds",
        "Time for which the oldest segment of the write-ahead log has waited to be archived.",
        Names
    );
    private static readonly Gauge LastSuccess = Metrics.CreateGauge(
        "shortener_postgres_backup_last_success_timestamp_seconds",
        "Time at which the newest backup ended.",
        Names
    );
    private static readonly Gauge Size = Metrics.CreateGauge(
        "shortener_postgres_backup_size_bytes",
        "Bytes that the newest backup added to the repository.",
        Names
    );
    private static readonly Gauge Rehearsed = Metrics.CreateGauge(
        "shortener_postgres_rehearsal_healthy",
        "1 while a restore worked when it was last rehearsed, not longer ago than the schedule says. Absent before the first one.",
        Names
    );
    private static readonly Gauge LastRehearsal = Metrics.CreateGauge(
        "shortener_postgres_rehearsal_last_success_timestamp_seconds",
        "Time at which a restore last worked.",
        Names
    );
    private static readonly Gauge RehearsalTime = Metrics.CreateGauge("shortener_postgres_rehearsal_duration_seconds", "Time that this restore took.", Names);
    private static readonly Counter Runs = Metrics.CreateCounter(
        "shortener_postgres_backup_runs_total",
        "Runs of backups and of checks of the archive that ended, by result.",
        [.. Names, "result"]
    );

    /// <summary>Registers the metrics, so that a process without such a region tells of them too.</summary>
    public static void Prepare() => RuntimeHelpers.RunClassConstructor(typeof(BackupMetrics).TypeHandle);

    /// <summary>Sets the metrics of a region.</summary>
    public static void Set(V1Alpha1ShortenerRegion region, ObservedBackups observed, BackupPlan plan, RehearsalPlan? rehearsal, ConditionList conditions)
    {
        if (region.Spec.Postgres?.Backup is null)
        {
            Remove(region);
            return;
        }

        var labels = LabelsOf(region);
        Set(Rehearsed, labels, rehearsal?.Status.Succeeded is null ? null : Convert.ToDouble(conditions.IsTrue(ConditionTypes.LastRehearsalSucceeded)));
        Set(LastRehearsal, labels, SecondsOf(rehearsal?.Status.LastSuccessTime));
        Set(RehearsalTime, labels, rehearsal?.Status.DurationSeconds);
        // A standby region makes none.
        var backup = conditions.Conditions.First(condition => condition.Type == ConditionTypes.LastBackupSucceeded).Status;
        Set(Healthy, labels, backup == "Unknown" ? null : Convert.ToDouble(backup == "True"));
        var archiving = conditions.Conditions.First(condition => condition.Type == ConditionTypes.ContinuousArchiving).Status;
        Set(Archiving, labels, archiving == "Unknown" ? null : Convert.ToDouble(archiving == "True"));
        Set(Waiting, labels, observed.Archiver?.Delay.TotalSeconds);
        Set(LastSuccess, labels, SecondsOf(plan.Status.LastBackup?.CompletionTime));
        Set(Size, labels, plan.Status.LastBackup?.SizeBytes);
        foreach (var result in Results)
            Runs.WithLabels([.. labels, result]);
    }

    /// <summary>Counts a run that ended.</summary>
    public static void Count(V1Alpha1ShortenerRegion region, BackupRunStatus run) =>
        Runs.WithLabels([.. LabelsOf(region), run.Succeeded == true ? Results[0] : Results[1]]).Inc();

    /// <summary>Removes the metrics of a region.</summary>
    public static void Remove(V1Alpha1ShortenerRegion region)
    {
        var labels = LabelsOf(region);
        foreach (var gauge in new[] { Healthy, Archiving, Waiting, LastSuccess, Size, Rehearsed, LastRehearsal, RehearsalTime })
            gauge.RemoveLabelled(labels);
        foreach (var result in Results)
            Runs.RemoveLabelled([.. labels, result]);
    }

    private static double? SecondsOf(DateTime? time) => time is { } known ? new DateTimeOffset(known.ToUniversalTime()).ToUnixTimeSeconds() : null;

    private static void Set(Gauge gauge, string[] labels, double? value)
    {
        if (value is { } known)
            gauge.WithLabels(labels).Set(known);
        else
            gauge.RemoveLabelled(labels);
    }

    private static string[] LabelsOf(V1Alpha1ShortenerRegion region) => [region.Metadata.NamespaceProperty, region.Metadata.Name, region.Spec.Region];
}
