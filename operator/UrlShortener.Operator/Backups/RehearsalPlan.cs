using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Backups;

/// <summary>The plan for rehearsals of a restore. Pure.</summary>
internal sealed record RehearsalPlan
{
    private const int MaxMessage = 512;

    /// <summary>The run to start now; null: none.</summary>
    public BackupRun? Starts { get; init; }

    /// <summary>The run that ended since the last reconcile; null: none.</summary>
    public RehearsalStatus? Ended { get; init; }

    /// <summary>Jobs that are no longer needed.</summary>
    public IReadOnlyList<V1Job> Deletes { get; init; } = [];

    /// <summary>The status.</summary>
    public required RehearsalStatus Status { get; init; }

    /// <summary>Computes the plan; null: the region asks for none.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="backup">The plan for its backups.</param>
    /// <param name="now">The time.</param>
    public static RehearsalPlan? Of(V1Alpha1ShortenerRegion region, ObservedBackups observed, BackupPlan backup, DateTimeOffset now)
    {
        if (region.Spec.Postgres?.Backup?.Rehearsal is not { } spec)
            return null;
        var status = region.Status?.Backup?.Rehearsal ?? new RehearsalStatus();
        var jobs = observed.JobsOf(BackupKind.Rehearsal);
        var isRunning = jobs.Any(job => BackupPlan.EndOf(job) is null);
        var ended = jobs.LastOrDefault(job => BackupPlan.EndOf(job) is not null);
        var isNews = ended is not null && ended.Metadata.Name != status.Job;
        if (jobs is [.., { Metadata.CreationTimestamp: { } started }] && !(status.LastStartTime?.ToUniversalTime() > started.ToUniversalTime()))
            status = status with { LastStartTime = started.ToUniversalTime() };
        if (isNews && !BackupPlan.IsReported(ended!, observed, now))
            return new RehearsalPlan { Status = status };
        if (isNews)
        {
            var report = BackupReport.Parse(observed.Reports.GetValueOrDefault(ended!.Metadata.Name));
            var at = BackupPlan.Seconds(BackupPlan.EndOf(ended)!.Value);
            status = report is { Succeeded: true }
                ? new RehearsalStatus
                {
                    LastStartTime = status.LastStartTime,
                    Job = ended.Metadata.Name,
                    Succeeded = true,
                    LastSuccessTime = at,
                    DurationSeconds = (int)Math.Ceiling(report.Seconds ?? 0),
                    Links = report.Rows,
                    LastCommitTime = report.ReadLastCommit(),
                }
                : status with
                {
                    Job = ended.Metadata.Name,
                    Succeeded = false,
                    Message = Texts.Cut(
                        LastWords.Clean(report?.Error ?? observed.Reports.GetValueOrDefault(ended.Metadata.Name) ?? BackupPlan.FailureOf(ended)),
                        MaxMessage
                    ),
                };
        }

        var since = status.LastStartTime ?? backup.Status.LastBackup?.CompletionTime;
        var due =
            backup is { Obstacle: null, Status.RecoverableFrom: not null } && !isRunning && !region.Spec.IsSuspended() && since is { } last
                ? BackupSchedule.FindDue(spec.Schedule, new DateTimeOffset(last.ToUniversalTime()), now)
                : null;
        return new RehearsalPlan
        {
            Status = status,
            Ended = isNews ? status : null,
            Deletes = [.. jobs.Where(job => BackupPlan.EndOf(job) is not null && job.Metadata.Name != status.Job).SkipLast(BackupPlan.KeptJobs)],
            Starts = due is { } time ? new BackupRun(BackupKind.Rehearsal, $"time {time.ToString("O", CultureInfo.InvariantCulture)}") : null,
        };
    }
}
