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

    /// <summary>Why the Job that runs does not start; null: it has started, or nothing is known.</summary>
    public RunTrouble? Trouble { get; init; }

    /// <summary>Jobs that the operator has given up.</summary>
    public IReadOnlyList<V1Job> Deletes { get; init; } = [];

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
        if (IsOver(region))
            return new RestorePlan { Status = status };
        // It copies that region's database instead.
        if (region.Status is { Role: RegionRole.Standby, Topology.PrimaryRegion: { } primary })
            return new RestorePlan
            {
                Status = status,
                Obstacle = new Obstacle(
                    Reasons.StandbyRegion,
                    $"The region is a standby of region {primary}, and copies its database. To restore a backup beside it, create a region with another spec.group."
                ),
            };
        var digest = Digest.OfObject(spec);
        var jobs = observed.JobsOf(BackupKind.Restore);
        var running = jobs.LastOrDefault(job => BackupPlan.EndOf(job) is null && job.Metadata.Name != status.Job);
        var ended = jobs.LastOrDefault(job => BackupPlan.EndOf(job) is not null);
        var isNews = ended is not null && ended.Metadata.Name != status.Job && !BackupPlan.IsBefore(ended, status.StartTime);
        if (isNews && !BackupPlan.IsReported(ended!, observed, now))
            return new RestorePlan { Status = status };
        var trouble = running is null ? null : RunTrouble.Of(running, observed, region.Spec.Postgres.Image, now);
        var isOver = true;
        if (isNews)
            status = Take(status, ended!, observed);
        else if (running is not null && trouble is { IsOver: true })
        {
            status = Fail(status, IdentityOf(running), trouble.Text, now);
            (running, trouble) = (null, null);
        }
        // At once, a second Job could work on the volume while the pod of the first one still ends.
        else if (running is null && status.Running is { } lost && jobs.All(job => job.Metadata.Name != lost) && status.Job != lost)
            status = Fail(status, (lost, status.StartTime, digest), BackupPlan.DeletedMessage, now);
        else
            isOver = false;
        status = running is null ? status with { Running = null } : status with { Running = running.Metadata.Name, StartTime = IdentityOf(running).Created };
        var mayStart =
            status.Digest != digest
            || (
                status.FailedRuns is { } failures
                && now >= new DateTimeOffset(status.CompletionTime!.Value.ToUniversalTime()) + observed.Timing.DelayAfter(failures)
            );
        return new RestorePlan
        {
            Status = status,
            Trouble = trouble,
            Ended = isOver ? status : null,
            Deletes = [.. jobs.Where(job => BackupPlan.EndOf(job) is null && job.Metadata.Name == status.Job)],
            Starts =
                status.Succeeded != true && running is null && mayStart && !region.Spec.IsSuspended()
                    ? new BackupRun(BackupKind.Restore, $"{digest} after {status.Job}") { Digest = digest }
                    : null,
        };
    }

    /// <summary>Whether the database is there, so that nothing is restored any more.</summary>
    /// <param name="region">The region.</param>
    public static bool IsOver(V1Alpha1ShortenerRegion region) =>
        region.Status?.Backup?.Restore?.Succeeded == true || region.Status?.Postgres?.SystemIdentifier is not null;

    private static (string Name, DateTime? Created, string? Digest) IdentityOf(V1Job job) =>
        (job.Metadata.Name, job.Metadata.CreationTimestamp?.ToUniversalTime(), Labels.AnnotationOf(job.Metadata, BackupResources.DigestAnnotation));

    private static RestoreStatus Fail(RestoreStatus status, (string Name, DateTime? Created, string? Digest) job, string why, DateTimeOffset at) =>
        new()
        {
            Job = job.Name,
            StartTime = job.Created,
            Digest = job.Digest,
            CompletionTime = StatusTime.Of(at),
            Succeeded = false,
            FailedRuns = job.Digest == status.Digest ? (status.FailedRuns ?? 0) + 1 : 1,
            Message = Texts.Cut(why, MaxMessage),
        };

    private static RestoreStatus Take(RestoreStatus status, V1Job job, ObservedBackups observed)
    {
        var text = observed.Reports.GetValueOrDefault(job.Metadata.Name);
        var report = BackupReport.Parse(text);
        var (identity, end) = (IdentityOf(job), BackupPlan.EndOf(job)!.Value);
        // The program ends with 0 only if it has restored the database, also if the pod is gone and nobody has read the report.
        if (report?.Succeeded ?? job.Status.Conditions.Any(condition => condition is { Type: "Complete", Status: "True" }))
            return new RestoreStatus
            {
                Job = identity.Name,
                StartTime = identity.Created,
                Digest = identity.Digest,
                CompletionTime = StatusTime.Of(end),
                Succeeded = true,
                LastCommitTime = report?.ReadLastCommit(),
                Links = report?.Rows,
            };
        var failed = Fail(status, identity, LastWords.Clean(report?.Error ?? text ?? BackupPlan.FailureOf(job, observed)), end);
        // Another attempt would end in the same way.
        return report?.Reason is BackupReport.TargetReason or BackupReport.GapReason ? failed with { FailedRuns = null } : failed;
    }
}
