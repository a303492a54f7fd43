using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Backups;

/// <summary>The plan for a region's backups, computed from its specification and the observed state. Pure.</summary>
internal sealed record BackupPlan
{
    /// <summary>How often the end of the recoverable times is renewed while nothing else changes the status.</summary>
    public static readonly TimeSpan RenewalInterval = TimeSpan.FromMinutes(10);

    private const int MaxMessage = 512;
    private const int MaxRequest = 256;

    /// <summary>Jobs of a kind that stay after their end, besides the last one.</summary>
    public const int KeptJobs = 3;

    private static readonly TimeSpan FirstRetry = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LastRetry = TimeSpan.FromHours(1);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMinutes(1);

    // The cache of pods may show the end of a pod later than that of Jobs shows the end of its Job.
    private static readonly TimeSpan ReportDelay = TimeSpan.FromSeconds(15);

    // A backup is due a little earlier than a whole number of days after the last one, which took its time.
    private static readonly TimeSpan Slack = TimeSpan.FromHours(2);

    /// <summary>Why no backup can be made; null: nothing prevents it.</summary>
    public Obstacle? Obstacle { get; init; }

    /// <summary>The run to start now; null: none.</summary>
    public BackupRun? Starts { get; init; }

    /// <summary>The Job that runs; null: none.</summary>
    public V1Job? Running { get; init; }

    /// <summary>Jobs that are no longer needed.</summary>
    public IReadOnlyList<V1Job> Deletes { get; init; } = [];

    /// <summary>The run that ended since the last reconcile; null: none.</summary>
    public BackupRunStatus? Ended { get; init; }

    /// <summary>The status.</summary>
    public required BackupStatus Status { get; init; }

    /// <summary>Computes the plan.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="now">The time.</param>
    public static BackupPlan Of(V1Alpha1ShortenerRegion region, ObservedBackups observed, DateTimeOffset now)
    {
        if (region.Spec.Postgres?.Backup is null)
            return new BackupPlan { Status = new BackupStatus() };
        var obstacle = FindObstacle(region, observed);
        var former = region.Status?.Backup ?? new BackupStatus();
        var repository = BackupRepository.PathOf(region) is null ? former.Repository : BackupRepository.DescribeOf(region);
        // What is known is about another repository.
        var status =
            former.Repository is null || former.Repository == repository
                ? former with
                {
                    Repository = repository,
                }
                : new BackupStatus { Repository = repository };
        var jobs = observed.JobsOf(BackupKind.Full, BackupKind.Differential, BackupKind.Check);
        var ended = jobs.LastOrDefault(job => EndOf(job) is not null);
        var (running, isNews) = (jobs.LastOrDefault(job => EndOf(job) is null), ended is not null && ended.Metadata.Name != status.LastRun?.Job);
        var reports = ended is not null && IsReported(ended, observed, now);
        BackupRunStatus? run = null;
        if (isNews && reports)
        {
            status = Take(status, ended!, observed.Reports.GetValueOrDefault(ended!.Metadata.Name));
            run = status.LastRun;
        }
        else if (running is null && status.Running is { } lost && jobs.All(job => job.Metadata.Name != lost.Job) && status.LastRun?.Job != lost.Job)
        {
            run = lost with { CompletionTime = Seconds(now), Succeeded = false, Message = "The Job was deleted before its result was read." };
            status = status with { LastRun = run, FailedRuns = (status.FailedRuns ?? 0) + 1 };
        }

        var current = running ?? (isNews && !reports ? ended : null);
        status = status with { Running = current is null ? null : new BackupRunStatus { Job = current.Metadata.Name, Kind = KindOf(current).ToString() } };
        if (jobs.LastOrDefault(job => BackupResources.KindOf(job) is not BackupKind.Check)?.Metadata.CreationTimestamp is { } started)
            status = status with { LastStartTime = Latest(status.LastStartTime, started.ToUniversalTime()) };
        if (jobs.LastOrDefault(job => RequestOf(job) is not null) is { } asked)
            status = status with { LastRequest = RequestOf(asked) };
        status = Renew(status, observed.Archiver, now);
        var canStart =
            obstacle is null
            && running is null
            && !(isNews && !reports)
            && !region.Spec.IsSuspended()
            && observed is { Primary: not null, Configuration: not null };
        return new BackupPlan
        {
            Obstacle = obstacle,
            Running = running,
            Ended = run,
            Status = status,
            Starts = canStart ? FindDue(region, status, observed.Archiver, now) : null,
            Deletes = [.. jobs.Where(job => EndOf(job) is not null && job.Metadata.Name != status.LastRun?.Job).SkipLast(KeptJobs)],
        };
    }

    /// <summary>When a Job ended; null: it runs.</summary>
    public static DateTimeOffset? EndOf(V1Job job) =>
        job.Status?.Conditions?.FirstOrDefault(condition => condition is { Type: "Complete" or "Failed", Status: "True" }) is { } end
            ? new DateTimeOffset((end.LastTransitionTime ?? DateTime.UnixEpoch).ToUniversalTime())
            : null;

    /// <summary>Whether the report of a Job that ended is there, or will not come any more.</summary>
    public static bool IsReported(V1Job ended, ObservedBackups observed, DateTimeOffset now) =>
        observed.Reports.ContainsKey(ended.Metadata.Name) || now > EndOf(ended) + ReportDelay;

    /// <summary>Delay before the next attempt after a number of failures.</summary>
    public static TimeSpan DelayAfter(int failures) =>
        failures <= 0 ? TimeSpan.Zero : TimeSpan.FromTicks(Math.Min(LastRetry.Ticks, FirstRetry.Ticks << Math.Min(failures - 1, 10)));

    private static BackupRun? FindDue(V1Alpha1ShortenerRegion region, BackupStatus status, ArchiverState? archiver, DateTimeOffset now)
    {
        var spec = region.Spec.Postgres!.Backup!;
        var last = status.LastRun;
        var kind =
            status.LastFullTime is { } full && now < Utc(full) + TimeSpan.FromDays(spec.FullEveryDays) - Slack ? BackupKind.Differential : BackupKind.Full;
        if (RequestOf(region) is { } request && request != status.LastRequest)
            return new BackupRun(kind, $"request {request}", request);
        var failed = last is { Succeeded: false };
        var mayRetry = !failed || now >= Utc(last!.CompletionTime!.Value) + DelayAfter(status.FailedRuns ?? 0);
        if (status.LastBackup is null)
            return mayRetry ? new BackupRun(BackupKind.Full, $"first in {status.Repository} after {last?.Job}") : null;
        if (status.MissingSegment is { } missing && mayRetry)
            return new BackupRun(BackupKind.Full, $"gap {missing} after {last?.Job}");
        var since = Utc(status.LastStartTime ?? status.LastBackup.CompletionTime!.Value);
        if (BackupSchedule.FindDue(spec.Schedule, since, now) is { } due)
            return new BackupRun(kind, $"time {due.ToString("O", CultureInfo.InvariantCulture)}");
        if (failed && mayRetry)
            return last!.Kind == nameof(BackupKind.Check)
                ? new BackupRun(BackupKind.Check, $"retry of {last.Job}")
                : new BackupRun(kind, $"retry of {last.Job}");
        // The archive is asked only once the new primary has told it everything; before that, it lacks what is on its way.
        var isSettled = archiver is { Waiting: 0, LastArchived: not null } && archiver.Timeline != (status.CheckedTimeline ?? 1);
        var mayCheck = !failed && (last?.CompletionTime is not { } at || now >= Utc(at) + CheckInterval || last.Kind != nameof(BackupKind.Check));
        return isSettled && mayCheck
            ? new BackupRun(BackupKind.Check, string.Create(CultureInfo.InvariantCulture, $"timeline {archiver!.Timeline} after {last?.Job}"))
            : null;
    }

    private static BackupKind KindOf(V1Job job) => BackupResources.KindOf(job) ?? BackupKind.Check;

    // What a run has changed.
    private static BackupStatus Take(BackupStatus status, V1Job job, string? text)
    {
        var kind = KindOf(job);
        var report = BackupReport.Parse(text);
        var succeeded = report is { Succeeded: true } && job.Status.Conditions.Any(condition => condition is { Type: "Complete", Status: "True" });
        var run = new BackupRunStatus
        {
            Job = job.Metadata.Name,
            Kind = kind.ToString(),
            CompletionTime = Seconds(EndOf(job)!.Value),
            Succeeded = succeeded,
            Message = succeeded ? null : Texts.Cut(LastWords.Clean(report?.Error ?? text ?? FailureOf(job)), MaxMessage),
        };
        status = status with { LastRun = run, FailedRuns = succeeded ? 0 : (status.FailedRuns ?? 0) + 1 };
        if (!succeeded)
            return status;
        var (backups, window) = (report!.ReadBackups(), RecoveryWindow.Of(report));
        var newest = backups.MaxBy(backup => backup.CompletedAt);
        return status with
        {
            LastBackup = newest is null
                ? null
                : new BackupResult
                {
                    Label = newest.Label,
                    CompletionTime = newest.CompletedAt.UtcDateTime,
                    SizeBytes = newest.Bytes,
                },
            LastFullTime = backups.Where(backup => backup.IsFull).MaxBy(backup => backup.CompletedAt)?.CompletedAt.UtcDateTime,
            RecoverableFrom = window.From?.UtcDateTime,
            RecoverableTo = window.From is null ? null : Latest(window.Missing is null ? status.RecoverableTo : null, newest!.CompletedAt.UtcDateTime),
            MissingSegment = window.Missing?.ToString(),
            CheckedTimeline = report.Timeline ?? 1,
        };
    }

    // The archiver works in order: what it archived last on the timeline that was checked has everything before it.
    private static BackupStatus Renew(BackupStatus status, ArchiverState? archiver, DateTimeOffset now) =>
        status is { RecoverableTo: { } to, MissingSegment: null }
        && archiver is { LastArchivedUpTo: { } reached, LastArchived: { } name }
        && WalSegment.IsName(name)
        && archiver.Timeline == status.CheckedTimeline
        && WalSegment.Parse(name).Timeline == archiver.Timeline
        && reached > Utc(to) + RenewalInterval
        && reached <= now
            // A commit gets its time a moment before its place in a segment.
            ? status with
            {
                RecoverableTo = Seconds(reached - TimeSpan.FromSeconds(2)),
            }
            : status;

    private static Obstacle? FindObstacle(V1Alpha1ShortenerRegion region, ObservedBackups observed) =>
        BackupRules.Check(region.Spec).ToList() is { Count: > 0 } problems
            ? new Obstacle(Reasons.InvalidSpec, string.Join(' ', problems.Select(problem => problem.ToString())))
        : observed.Credentials is null
            ? new Obstacle(
                Reasons.SecretNotFound,
                $"Secret {region.Spec.Postgres!.Backup!.Repository.SecretRef.Name} does not exist in this namespace. Create it with keys accessKeyId and "
                    + "secretAccessKey."
            )
        : null;

    private static string? RequestOf(V1Alpha1ShortenerRegion region) =>
        Labels.AnnotationOf(region.Metadata, Labels.Backup) is { Length: > 0 } value ? Texts.Cut(value, MaxRequest) : null;

    private static string? RequestOf(V1Job job) => Labels.AnnotationOf(job.Metadata, BackupResources.RequestAnnotation);

    /// <summary>Why a Job failed, in the words of its controller.</summary>
    public static string FailureOf(V1Job job) =>
        job.Status?.Conditions?.FirstOrDefault(condition => condition is { Type: "Failed", Status: "True" }) is { } failed
            ? $"{failed.Reason}, {failed.Message}"
            : "The pod was gone before its report was read.";

    private static DateTime Latest(DateTime? one, DateTime other) => one is { } first && Utc(first) > Utc(other) ? first : other;

    private static DateTimeOffset Utc(DateTime time) => new(time.ToUniversalTime());

    /// <summary>A time in whole seconds, as the server stores it.</summary>
    public static DateTime Seconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds()).UtcDateTime;
}
