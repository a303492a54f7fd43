using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Schedules;

namespace UrlShortener.Operator.Backups;

/// <summary>Computes the conditions of a region's backups. Pure.</summary>
internal static class BackupStatusRules
{
    /// <summary>The part of the status that the controller of backups writes.</summary>
    public static readonly StatusPart Part = new(
        "backup",
        [ConditionTypes.LastBackupSucceeded, ConditionTypes.ContinuousArchiving, ConditionTypes.LastRehearsalSucceeded, ConditionTypes.RestoreSucceeded],
        FieldManagers.Backups
    );

    /// <summary>How long after its time a backup is overdue: it may run for a while.</summary>
    public static readonly TimeSpan OverdueAfter = TimeSpan.FromHours(6);

    /// <summary>The conditions.</summary>
    public static ConditionList Build(
        V1Alpha1ShortenerRegion region,
        ObservedBackups observed,
        (BackupPlan Backup, RehearsalPlan? Rehearsal, RestorePlan? Restore) plans,
        DateTimeOffset now
    )
    {
        var conditions = new ConditionList(region.Status?.Conditions, region.Metadata.Generation, now);
        if (region.Spec.Postgres?.Backup is not null)
        {
            SetLastBackup(conditions, region, plans.Backup, now);
            SetArchiving(conditions, region, observed, plans.Backup);
        }

        if (plans.Rehearsal is { } rehearsal)
            SetRehearsal(conditions, region, rehearsal, now);
        if (plans.Restore is { } restore)
            SetRestore(conditions, region, restore);
        return conditions;
    }

    private static void SetRehearsal(ConditionList conditions, V1Alpha1ShortenerRegion region, RehearsalPlan plan, DateTimeOffset now)
    {
        var (status, schedule) = (plan.Status, region.Spec.Postgres!.Backup!.Rehearsal!.Schedule);
        var (value, reason, message) = status switch
        {
            _ when plan.Trouble is { } trouble => (false, trouble.Reason, trouble.Text),
            { Succeeded: false } => (
                false,
                Reasons.RehearsalFailed,
                $"The last rehearsal ({status.Job}) failed: {status.Message} A restore last worked {(status.LastSuccessTime is { } at ? $"at {Time(at)}" : "never")}."
            ),
            { LastSuccessTime: null } => ((bool?)false, Reasons.NoRehearsalYet, "No restore has been rehearsed yet."),
            { LastSuccessTime: { } at }
                when CronSchedule.FindProblem(schedule) is null
                    && CronSchedule.FindDue(schedule, new DateTimeOffset(at.ToUniversalTime()), now - OverdueAfter) is not null => (
                false,
                Reasons.RehearsalOverdue,
                $"A restore last worked at {Time(at)}. The schedule asked for another rehearsal more than {OverdueAfter.TotalHours:0} hours ago."
            ),
            _ => (true, Reasons.AsExpected, $"A restore worked at {Time(status.LastSuccessTime)}: {status.Links ?? 0} links in {status.DurationSeconds} s."),
        };
        conditions.Set(ConditionTypes.LastRehearsalSucceeded, value, reason, message);
    }

    private static void SetRestore(ConditionList conditions, V1Alpha1ShortenerRegion region, RestorePlan plan)
    {
        var status = plan.Status;
        var (value, reason, message) = status switch
        {
            _ when plan.Obstacle is { } obstacle => ((bool?)false, obstacle.Reason, obstacle.Message),
            _ when plan.Trouble is { } trouble => (false, trouble.Reason, trouble.Text),
            { Succeeded: true } => (
                true,
                Reasons.AsExpected,
                $"Restored {status.Links ?? 0} links{(status.LastCommitTime is { } last ? $"; the last commit was at {Time(last)}" : "")}."
            ),
            { Succeeded: false, FailedRuns: null } when plan.Starts is null => (
                false,
                Reasons.RestoreFailed,
                $"The restore failed: {status.Message} Change spec.postgres.restore; the operator then tries again."
            ),
            { Succeeded: false } => (false, Reasons.RestoreFailed, $"The restore failed, and is tried again: {status.Message}"),
            _ when IsStandby(region) => (
                null,
                Reasons.StandbyRegion,
                "The region copies the database of the primary region. To restore a backup beside it, create a region with another spec.group."
            ),
            _ when region.Status?.Postgres?.SystemIdentifier is not null => (null, Reasons.NotKnown, "The database existed before the restore."),
            _ => (null, Reasons.Restoring, "The backup is being restored. The members start after that."),
        };
        conditions.Set(ConditionTypes.RestoreSucceeded, value, reason, message);
    }

    private static void SetLastBackup(ConditionList conditions, V1Alpha1ShortenerRegion region, BackupPlan plan, DateTimeOffset now)
    {
        var status = plan.Status;
        var schedule = region.Spec.Postgres!.Backup!.Schedule;
        var (value, reason, message) = status switch
        {
            _ when plan.Obstacle is { } obstacle => (false, obstacle.Reason, obstacle.Message),
            _ when IsStandby(region) => ((bool?)null, Reasons.StandbyRegion, $"{Since(status.LastBackup)}Only a primary region makes backups."),
            _ when plan.Trouble is { } trouble => (false, trouble.Reason, $"{Since(status.LastBackup)}{trouble.Text}"),
            { LastRun: { Succeeded: false, Kind: not nameof(BackupKind.Check) } failed } => (
                false,
                Reasons.BackupFailed,
                $"{Since(status.LastBackup)}The last attempt ({failed.Job}) failed: {failed.Message}"
            ),
            { LastBackup: null } => (false, Reasons.NoBackupYet, "There is no backup yet. The first one starts when a primary with pgBackRest accepts writes."),
            { LastBackup.CompletionTime: { } at }
                when CronSchedule.FindDue(schedule, new DateTimeOffset(at.ToUniversalTime()), now - OverdueAfter) is not null => (
                false,
                Reasons.BackupOverdue,
                $"{Since(status.LastBackup)}The schedule asked for another one more than {OverdueAfter.TotalHours:0} hours ago."
            ),
            _ => (true, Reasons.AsExpected, Since(status.LastBackup).TrimEnd()),
        };
        conditions.Set(ConditionTypes.LastBackupSucceeded, value, reason, message);
    }

    private static void SetArchiving(ConditionList conditions, V1Alpha1ShortenerRegion region, ObservedBackups observed, BackupPlan plan)
    {
        var (value, reason, message) = observed.Archiver switch
        {
            _ when plan.Obstacle is { } obstacle => (false, obstacle.Reason, obstacle.Message),
            null when IsStandby(region) => (null, Reasons.StandbyRegion, "Only the primary region writes an archive."),
            null when region.Status?.Postgres?.Primary is null => ((bool?)null, Reasons.NoPrimary, "No member accepts writes."),
            null => (null, Reasons.NotKnown, "The primary does not tell about archiving."),
            { } archiver when archiver.IsStalled(observed.Timing) => (
                false,
                Reasons.ArchivingStalled,
                $"Segments of the write-ahead log wait since {Time(archiver.WaitingSince)}. {Archived(archiver)} "
                    + (archiver.LastError is { } error ? $"The last attempt failed: {error.TrimEnd('.')}. " : "The log of the primary has the cause. ")
                    + "The segments stay on the volume of the primary, which fills up."
            ),
            _ when plan.Status.MissingSegment is { } missing => (
                false,
                Reasons.ArchiveGap,
                $"The archive lacks segment {missing}, so that no backup leads to the present. The operator makes a full backup."
            ),
            _ when plan.Status.LastBackup is null => (null, Reasons.NoBackupYet, "The first backup creates the archive."),
            _ => (true, Reasons.AsExpected, "Segments of the write-ahead log reach the archive in time."),
        };
        conditions.Set(ConditionTypes.ContinuousArchiving, value, reason, message);
    }

    private static bool IsStandby(V1Alpha1ShortenerRegion region) => region.Status?.Postgres is { Primary: null, StandbyLeader: not null };

    private static string Since(BackupResult? last) => last is null ? "There is no backup yet. " : $"The newest backup is {last.Label}. ";

    private static string Archived(ArchiverState archiver) =>
        archiver.LastArchivedAt is { } at ? $"The last one was archived at {Time(at)}." : "None was archived yet.";

    private static string Time(DateTime? time) => Time(time is { } known ? new DateTimeOffset(known.ToUniversalTime()) : (DateTimeOffset?)null);

    private static string Time(DateTimeOffset? time) => time?.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture) ?? "";
}
