using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Schedules;

namespace UrlShortener.Operator.Backups;

/// <summary>The plan for rehearsals of a restore. Pure.</summary>
internal sealed record RehearsalPlan
{
    private const int MaxMessage = 512;

    /// <summary>Why the Job that runs does not start; null: it has started, or nothing is known.</summary>
    public RunTrouble? Trouble { get; init; }

    /// <summary>The run to start now; null: none.</summary>
    public BackupRun? Starts { get; init; }

    /// <summary>The run that ended since the last reconcile; null: none.</summary>
    public RehearsalStatus? Ended { get; init; }

    /// <summary>Jobs that are no longer needed.</summary>
    public IReadOnlyList<V1Job> Deletes { get; init; } = [];

    /// <summary>Pods of Jobs whose result has been read. Kubernetes keeps the volume of each, which is as large as a member's, for as long as there is the pod.</summary>
    public IReadOnlyList<V1Pod> DeletesPods { get; init; } = [];

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
        var status = (BackupPlan.IsAbout(region) ? region.Status?.Backup?.Rehearsal : null) ?? new RehearsalStatus();
        var former = status;
        var (jobs, foreign) = BackupPlan.JobsOf(region, observed, BackupKind.Rehearsal);
        var running = jobs.LastOrDefault(job => BackupPlan.EndOf(job) is null && job.Metadata.Name != status.Job);
        var ended = jobs.LastOrDefault(job => BackupPlan.EndOf(job) is not null);
        var isNews = ended is not null && ended.Metadata.Name != status.Job && !BackupPlan.IsBefore(ended, status.LastStartTime);
        var trouble = running is null ? null : RunTrouble.Of(running, observed, region.Spec.Postgres.Image, now);
        if (jobs is [.., { Metadata.CreationTimestamp: { } started }] && !(status.LastStartTime?.ToUniversalTime() > started.ToUniversalTime()))
            status = status with { LastStartTime = started.ToUniversalTime() };
        if (isNews && !BackupPlan.IsReported(ended!, observed, now))
            return new RehearsalPlan { Status = status };
        var isOver = true;
        if (isNews)
            status = Take(status, ended!, observed);
        else if (running is not null && trouble is { IsOver: true })
        {
            status = Fail(status, running.Metadata.Name, trouble.Text);
            (running, trouble) = (null, null);
        }
        else if (running is null && status.Running is { } lost && jobs.All(job => job.Metadata.Name != lost) && status.Job != lost)
            status = Fail(status, lost, BackupPlan.DeletedMessage);
        else
            isOver = false;
        status = status with { Running = running?.Metadata.Name };

        var since = status.LastStartTime ?? backup.Status.LastBackup?.CompletionTime;
        var due =
            backup is { Obstacle: null, Status.RecoverableFrom: not null }
            && running is null
            && !region.Spec.IsSuspended()
            && since is { } last
            // One of every minute would copy the whole database each minute for as long as all of them fail.
            && now >= new DateTimeOffset(last.ToUniversalTime()) + observed.Timing.DelayAfter(status.FailedRuns ?? 0)
                ? FindDue(spec.Schedule, new DateTimeOffset(last.ToUniversalTime()), now, observed.Timing.RehearsalSpeed)
                : null;
        return new RehearsalPlan
        {
            Status = status,
            Trouble = trouble,
            Ended = isOver ? status : null,
            Deletes =
            [
                .. foreign,
                .. jobs.Where(job => BackupPlan.EndOf(job) is null && job.Metadata.Name == status.Job),
                .. jobs.Where(job => BackupPlan.EndOf(job) is not null && job.Metadata.Name != status.Job).SkipLast(BackupPlan.KeptJobs),
            ],
            DeletesPods = [.. jobs.Where(job => BackupPlan.EndOf(job) is not null && IsRead(job, former)).SelectMany(observed.PodsOf).Where(IsThere)],
            Starts = due is { } time ? new BackupRun(BackupKind.Rehearsal, $"time {time.ToString("O", CultureInfo.InvariantCulture)}") : null,
        };
    }

    private static DateTimeOffset? FindDue(string schedule, DateTimeOffset last, DateTimeOffset now, int speed) =>
        CronSchedule.FindDue(schedule, last, last + ((now - last) * speed)) is { } due ? last + ((due - last) / speed) : null;

    // What is stored tells of it: an operator that dies now leaves nothing unread. The log of one that failed stays until the next one begins.
    private static bool IsRead(V1Job job, RehearsalStatus stored) =>
        job.Metadata.Name == stored.Job ? stored.Succeeded == true || stored.Running is not null : BackupPlan.IsBefore(job, stored.LastStartTime);

    private static bool IsThere(V1Pod pod) => pod.Metadata.DeletionTimestamp is null;

    private static RehearsalStatus Take(RehearsalStatus status, V1Job ended, ObservedBackups observed)
    {
        var text = observed.Reports.GetValueOrDefault(ended.Metadata.Name);
        var report = BackupReport.Parse(text);
        return report is { Succeeded: true }
            ? new RehearsalStatus
            {
                LastStartTime = status.LastStartTime,
                Job = ended.Metadata.Name,
                Succeeded = true,
                LastSuccessTime = StatusTime.Of(BackupPlan.EndOf(ended)!.Value),
                DurationSeconds = (int)Math.Ceiling(report.Seconds ?? 0),
                Links = report.Rows,
                LastCommitTime = report.ReadLastCommit(),
            }
            : Fail(status, ended.Metadata.Name, LastWords.Clean(report?.Error ?? text ?? BackupPlan.FailureOf(ended, observed)));
    }

    private static RehearsalStatus Fail(RehearsalStatus status, string job, string why) =>
        status with
        {
            Job = job,
            Succeeded = false,
            FailedRuns = (status.FailedRuns ?? 0) + 1,
            Message = Texts.Cut(why, MaxMessage),
        };
}
