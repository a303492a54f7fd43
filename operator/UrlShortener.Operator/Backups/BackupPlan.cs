using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Schedules;

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

    /// <summary>What the status says of a Job that somebody deleted.</summary>
    public const string DeletedMessage = "The Job was deleted before its result was read.";

    // After a full backup that has not closed a gap: another one at once would not either.
    private static readonly TimeSpan GapInterval = TimeSpan.FromHours(1);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMinutes(1);

    // The cache of pods may show the end of a pod later than that of Jobs shows the end of its Job.
    private static readonly TimeSpan ReportDelay = TimeSpan.FromSeconds(15);

    // A backup is due a little earlier than a whole number of days after the last one, which took its time.
    private static readonly TimeSpan Slack = TimeSpan.FromHours(2);

    /// <summary>Why no backup can be made; null: nothing prevents it.</summary>
    public Obstacle? Obstacle { get; init; }

    /// <summary>Why the Job that runs does not start; null: it has started, or nothing is known.</summary>
    public RunTrouble? Trouble { get; init; }

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
            // What they tell would be taken for the state of the archive if the region asks for backups again.
            return new BackupPlan
            {
                Deletes = observed.JobsOf(BackupKind.Full, BackupKind.Differential, BackupKind.Check, BackupKind.Rehearsal),
                Status = new BackupStatus(),
            };
        var obstacle = FindObstacle(region, observed);
        var former = region.Status?.Backup ?? new BackupStatus();
        var status = IsAbout(region)
            ? former with
            {
                Repository = BackupRepository.PathOf(region) is null ? former.Repository : BackupRepository.DescribeOf(region),
                Endpoint = BackupRepository.PathOf(region) is null ? former.Endpoint : region.Spec.Postgres.Backup.Repository.Endpoint,
            }
            : new BackupStatus { Repository = BackupRepository.DescribeOf(region), Endpoint = region.Spec.Postgres.Backup.Repository.Endpoint };
        var (jobs, foreign) = JobsOf(region, observed, BackupKind.Full, BackupKind.Differential, BackupKind.Check);
        var ended = jobs.LastOrDefault(job => EndOf(job) is not null);
        // One that the operator has given up may stay in the cache for a moment.
        var running = jobs.LastOrDefault(job => EndOf(job) is null && job.Metadata.Name != status.LastRun?.Job);
        var isNews = ended is not null && ended.Metadata.Name != status.LastRun?.Job && !IsBefore(ended, status.LastRun?.StartTime);
        var reports = ended is not null && IsReported(ended, observed, now);
        var trouble = running is null ? null : RunTrouble.Of(running, observed, region.Spec.Postgres.Image, now);
        BackupRunStatus? run = null;
        if (isNews && reports)
        {
            status = Take(status, ended!, observed);
            run = status.LastRun;
        }
        else if (running is not null && trouble is { IsOver: true })
        {
            run = Fail(DescribeRun(running), trouble.Text, now);
            (running, trouble) = (null, null);
        }
        else if (running is null && status.Running is { } lost && jobs.All(job => job.Metadata.Name != lost.Job) && status.LastRun?.Job != lost.Job)
            run = Fail(lost, DeletedMessage, now);
        if (run is not null && run != status.LastRun)
            status = status with { LastRun = run, FailedRuns = (status.FailedRuns ?? 0) + 1 };

        var current = running ?? (isNews && !reports ? ended : null);
        status = status with { Running = current is null ? null : DescribeRun(current) };
        if (jobs.LastOrDefault(job => BackupResources.KindOf(job) is not BackupKind.Check)?.Metadata.CreationTimestamp is { } started)
            status = status with { LastStartTime = Latest(status.LastStartTime, started.ToUniversalTime()) };
        // One that is older than the last one was read long ago: somebody has deleted the newer ones.
        if (jobs.LastOrDefault(job => RequestOf(job) is not null) is { } asked && !IsBefore(asked, former.LastStartTime))
            status = status with { LastRequest = RequestOf(asked) };
        status = Renew(status, observed.Archiver, now);
        var canStart =
            obstacle is null
            && running is null
            && !(isNews && !reports)
            && !region.Spec.IsSuspended()
            && observed is { Primary: { } primary, Configuration: not null }
            // Backups were added, and the primary has not been replaced yet.
            && PostgresArchiving.IsIn(region, primary);
        return new BackupPlan
        {
            Obstacle = obstacle,
            Trouble = trouble,
            Running = running,
            Ended = run,
            Status = status,
            Starts = canStart ? FindDue(region, status, observed, now) : null,
            Deletes =
            [
                .. foreign,
                // Somebody has removed spec.postgres.backup.rehearsal.
                .. region.Spec.Postgres.Backup.Rehearsal is null ? observed.JobsOf(BackupKind.Rehearsal) : [],
                .. jobs.Where(job => EndOf(job) is null && job.Metadata.Name == status.LastRun?.Job),
                .. jobs.Where(job => EndOf(job) is not null && job.Metadata.Name != status.LastRun?.Job).SkipLast(KeptJobs),
            ],
        };
    }

    /// <summary>Whether the status is about the repository of the specification, and not about a former one.</summary>
    /// <param name="region">The region.</param>
    public static bool IsAbout(V1Alpha1ShortenerRegion region) =>
        region.Status?.Backup is not { Repository: { } known } status
        || BackupRepository.PathOf(region) is null
        || (known == BackupRepository.DescribeOf(region) && (status.Endpoint is null || status.Endpoint == region.Spec.Postgres!.Backup!.Repository.Endpoint));

    /// <summary>Jobs of some kinds, the oldest first, and those of them that work on a former repository: their results tell nothing of the present one.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="kinds">The kinds.</param>
    public static (IReadOnlyList<V1Job> Own, IReadOnlyList<V1Job> Foreign) JobsOf(
        V1Alpha1ShortenerRegion region,
        ObservedBackups observed,
        params BackupKind[] kinds
    )
    {
        var jobs = observed.JobsOf(kinds);
        if (BackupRepository.PathOf(region) is null)
            return (jobs, []);
        var place = BackupRepository.PlaceOf(region);
        var own = jobs.Where(job => (Labels.AnnotationOf(job.Metadata, BackupResources.RepositoryAnnotation) ?? place) == place).ToList();
        return (own, [.. jobs.Except(own)]);
    }

    /// <summary>When a Job ended; null: it runs.</summary>
    public static DateTimeOffset? EndOf(V1Job job) =>
        job.Status?.Conditions?.FirstOrDefault(condition => condition is { Type: "Complete" or "Failed", Status: "True" }) is { } end
            ? new DateTimeOffset((end.LastTransitionTime ?? DateTime.UnixEpoch).ToUniversalTime())
            : null;

    /// <summary>
    /// Whether a Job was created before another one, which is the last that the status knows of: its result was read long ago, although it is the newest Job that
    /// is left.
    /// </summary>
    /// <param name="job">The Job.</param>
    /// <param name="lastStart">When the other one was created.</param>
    public static bool IsBefore(V1Job job, DateTime? lastStart) =>
        job.Metadata.CreationTimestamp is { } created && created.ToUniversalTime() < lastStart?.ToUniversalTime();

    /// <summary>Whether the report of a Job that ended is there, or will not come any more.</summary>
    public static bool IsReported(V1Job ended, ObservedBackups observed, DateTimeOffset now) =>
        observed.Reports.ContainsKey(ended.Metadata.Name)
        // One that was killed wrote none.
        || observed.PodsOf(ended).Any(pod => pod.Status?.Phase is "Succeeded" or "Failed")
        || now > EndOf(ended) + ReportDelay;

    private static BackupRun? FindDue(V1Alpha1ShortenerRegion region, BackupStatus status, ObservedBackups observed, DateTimeOffset now)
    {
        var spec = region.Spec.Postgres!.Backup!;
        var last = status.LastRun;
        var kind =
            status.LastFullTime is { } full && now < Utc(full) + TimeSpan.FromDays(spec.FullEveryDays) - Slack ? BackupKind.Differential : BackupKind.Full;
        if (RequestOf(region) is { } request && request != status.LastRequest)
            return new BackupRun(kind, $"request {request} after {last?.Job}", request);
        // Also a time of the schedule waits: one of every minute would start a Job a minute for as long as all of them fail.
        if (now < FindEarliest(status, observed.Timing))
            return null;
        if (status.LastBackup is null)
            return new BackupRun(BackupKind.Full, $"first in {status.Endpoint} {status.Repository} after {last?.Job}");
        if (status.MissingSegment is { } missing && !HasJustEndedFull(last, now))
            return new BackupRun(BackupKind.Full, $"gap {missing} after {last?.Job}");
        var since = Utc(status.LastStartTime ?? status.LastBackup.CompletionTime!.Value);
        if (CronSchedule.FindDue(spec.Schedule, since, now) is { } due)
            return new BackupRun(kind, $"time {due.ToString("O", CultureInfo.InvariantCulture)}");
        if (last is { Succeeded: false })
            return last.Kind == nameof(BackupKind.Check)
                ? new BackupRun(BackupKind.Check, $"retry of {last.Job}")
                : new BackupRun(kind, $"retry of {last.Job}");
        // The archive is asked only once the new primary has told it everything; before that, it lacks what is on its way.
        var isSettled = observed.Archiver is { Waiting: 0, LastArchived: not null } archiver && archiver.Timeline != (status.CheckedTimeline ?? 1);
        var mayCheck = last?.CompletionTime is not { } at || now >= Utc(at) + CheckInterval || last.Kind != nameof(BackupKind.Check);
        return isSettled && mayCheck
            ? new BackupRun(BackupKind.Check, string.Create(CultureInfo.InvariantCulture, $"timeline {observed.Archiver!.Timeline} after {last?.Job}"))
            : null;
    }

    // When the next attempt may start after failures.
    private static DateTimeOffset FindEarliest(BackupStatus status, BackupTiming timing) =>
        status.LastRun is { Succeeded: false, CompletionTime: { } at } ? Utc(at) + timing.DelayAfter(status.FailedRuns ?? 0) : DateTimeOffset.MinValue;

    private static bool HasJustEndedFull(BackupRunStatus? last, DateTimeOffset now) =>
        last is { Succeeded: true, Kind: nameof(BackupKind.Full), CompletionTime: { } at } && now < Utc(at) + GapInterval;

    private static BackupKind KindOf(V1Job job) => BackupResources.KindOf(job) ?? BackupKind.Check;

    private static BackupRunStatus DescribeRun(V1Job job) =>
        new()
        {
            Job = job.Metadata.Name,
            Kind = KindOf(job).ToString(),
            StartTime = job.Metadata.CreationTimestamp?.ToUniversalTime(),
        };

    private static BackupRunStatus Fail(BackupRunStatus run, string why, DateTimeOffset now) =>
        run with
        {
            CompletionTime = StatusTime.Of(now),
            Succeeded = false,
            Message = Texts.Cut(why, MaxMessage),
        };

    // What a run has changed.
    private static BackupStatus Take(BackupStatus status, V1Job job, ObservedBackups observed)
    {
        var text = observed.Reports.GetValueOrDefault(job.Metadata.Name);
        var report = BackupReport.Parse(text);
        var succeeded = report is { Succeeded: true } && job.Status.Conditions.Any(condition => condition is { Type: "Complete", Status: "True" });
        var run = DescribeRun(job) with
        {
            CompletionTime = StatusTime.Of(EndOf(job)!.Value),
            Succeeded = succeeded,
            Message = succeeded ? null : Texts.Cut(LastWords.Clean(report?.Error ?? text ?? FailureOf(job, observed)), MaxMessage),
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
            CheckedTimeline = report.NewestTimeline,
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
                RecoverableTo = StatusTime.Of(reached - TimeSpan.FromSeconds(2)),
            }
            : status;

    private static Obstacle? FindObstacle(V1Alpha1ShortenerRegion region, ObservedBackups observed) =>
        BackupRules.Check(region.Spec).ToList() is { Count: > 0 } problems
            ? new Obstacle(Reasons.InvalidSpec, string.Join(' ', problems.Select(problem => problem.ToString())))
        : region.Spec.Postgres!.Backup!.Repository is { SecretRef: { } secret } repository && observed.Credentials is null
            ? new Obstacle(Reasons.SecretNotFound, $"Secret {secret.Name} does not exist in this namespace. {BackupRepository.AdviceOf(repository)}")
        : null;

    private static string? RequestOf(V1Alpha1ShortenerRegion region) =>
        Labels.AnnotationOf(region.Metadata, Labels.Backup) is { Length: > 0 } value ? Texts.Cut(value, MaxRequest) : null;

    private static string? RequestOf(V1Job job) => Labels.AnnotationOf(job.Metadata, BackupResources.RequestAnnotation);

    /// <summary>Why a Job failed whose report is not there, in the words of the kubelet or of Kubernetes.</summary>
    /// <param name="job">The Job.</param>
    /// <param name="observed">The observed state.</param>
    public static string FailureOf(V1Job job, ObservedBackups observed) =>
        PodTrouble.FindFailure(observed.PodsOf(job)) is { } failure ? $"The pod failed: {failure}."
        : job.Status?.Conditions?.FirstOrDefault(condition => condition is { Type: "Failed", Status: "True" }) is { } failed
            ? $"{failed.Reason}, {failed.Message}"
        : "The pod was gone before its report was read.";

    private static DateTime Latest(DateTime? one, DateTime other) => one is { } first && Utc(first) > Utc(other) ? first : other;

    private static DateTimeOffset Utc(DateTime time) => new(time.ToUniversalTime());
}
