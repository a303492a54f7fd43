using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Backups;

/// <summary>The plan for the restore from which a region's PostgreSQL begins. Pure.</summary>
internal sealed record RestorePlan
{
    private const int MaxMessage = 512;

    /// <summary>Why it cannot be started; null: nothing prevents it.</summary>
    public Obstacle? Obstacle { get; init; }

    /// <summary>The run to start now; null: none.</summary>
    public BackupRun? Starts { get; init; }

    /// <summary>The run that ended since the last reconcile; null: none.</summary>
    public RestoreStatus? Ended { get; init; }

    /// <summary>The status.</summary>
    public required RestoreStatus Status { get; init; }

    /// <summary>Computes the plan; null: the region is not restored from a backup.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="now">The time.</param>
    public static RestorePlan? Of(V1Alpha1ShortenerRegion region, ObservedBackups observed, DateTimeOffset now)
    {
        if (region.Spec.Postgres?.Restore is not { } spec)
            return null;
        var status = region.Status?.Backup?.Restore ?? new RestoreStatus();
        // A database that exists is never restored over.
        if (status.Succeeded == true || region.Status?.Postgres?.SystemIdentifier is not null)
            return new RestorePlan { Status = status };
        var digest = Digest.OfObject(spec);
        var jobs = observed.JobsOf(BackupKind.Restore);
        var ended = jobs.LastOrDefault(job => BackupPlan.EndOf(job) is not null);
        var isNews = ended is not null && ended.Metadata.Name != status.Job;
        if (isNews && !BackupPlan.IsReported(ended!, observed, now))
            return new RestorePlan { Status = status };
        var taken = isNews ? Take(status, ended!, observed.Reports.GetValueOrDefault(ended!.Metadata.Name)) : status;
        if (taken.Succeeded == true || jobs.Any(job => BackupPlan.EndOf(job) is null) || region.Spec.IsSuspended())
            return new RestorePlan { Status = taken, Ended = isNews ? taken : null };
        var mayStart =
            taken.Digest != digest
            || (taken.FailedRuns is { } failures && now >= new DateTimeOffset(taken.CompletionTime!.Value.ToUniversalTime()) + BackupPlan.DelayAfter(failures));
        return new RestorePlan
        {
            Status = taken,
            Ended = isNews ? taken : null,
            Starts = mayStart ? new BackupRun(BackupKind.Restore, $"{digest} after {taken.Job}") { Digest = digest } : null,
        };
    }

    private static RestoreStatus Take(RestoreStatus status, V1Job job, string? text)
    {
        var report = BackupReport.Parse(text);
        var digest = Labels.AnnotationOf(job.Metadata, BackupResources.DigestAnnotation);
        var succeeded = report is { Succeeded: true };
        // Another attempt would end in the same way.
        var isFinal = report?.Reason is BackupReport.TargetReason or BackupReport.OccupiedReason;
        return new RestoreStatus
        {
            Job = job.Metadata.Name,
            Digest = digest,
            CompletionTime = BackupPlan.Seconds(BackupPlan.EndOf(job)!.Value),
            Succeeded = succeeded,
            FailedRuns =
                succeeded || isFinal ? null
                : digest == status.Digest ? (status.FailedRuns ?? 0) + 1
                : 1,
            LastCommitTime = report?.ReadLastCommit(),
            Links = report?.Rows,
            Message = succeeded ? null : Texts.Cut(LastWords.Clean(report?.Error ?? text ?? BackupPlan.FailureOf(job)), MaxMessage),
        };
    }
}
