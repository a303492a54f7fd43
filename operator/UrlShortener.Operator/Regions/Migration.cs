using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Regions;

/// <summary>The database migration that a region's image needs, and its state. Pure.</summary>
/// <param name="Digest">Digest of the image and the database connection.</param>
/// <param name="State">Its state.</param>
internal sealed record Migration(string Digest, MigrationState State)
{
    /// <summary>Delay before the retry of a failed migration.</summary>
    public static readonly TimeSpan RetryDelay = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How long the connection to the database must be unchanged before a migration. Tools that rotate Secrets write several times, and each value would
    /// have its own migration.
    /// </summary>
    public static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(5);

    /// <summary>Computes the plan.</summary>
    /// <param name="region">The region.</param>
    /// <param name="secrets">Secrets by name, with digests instead of values.</param>
    /// <param name="app">The Deployment of the region's app; null: there is none.</param>
    /// <param name="jobs">Jobs of the region.</param>
    public static Migration Of(V1Alpha1ShortenerRegion region, IReadOnlyDictionary<string, V1Secret> secrets, V1Deployment? app, IEnumerable<V1Job> jobs)
    {
        var digest = Apply.Digest.Of(region.Spec.App.Image, ConnectionOf(region, secrets));
        return new Migration(digest, StateOf(MigrationJob.NameOf(region, digest), digest, app, jobs));
    }

    /// <summary>Digest of the connection to the database. One that the operator runs stays the same database with another password or other members.</summary>
    public static string ConnectionOf(V1Alpha1ShortenerRegion region, IReadOnlyDictionary<string, V1Secret> secrets) =>
        StoreConnections.PostgresOf(region) is not { } reference ? SecretDigests.Of([], secrets)
        : region.Spec.Postgres is null ? SecretDigests.Of([reference], secrets)
        : SecretDigests.Find(reference, secrets) is null ? ""
        : $"{reference.Name}/{reference.Key}";

    /// <summary>Whether a Job has ended, with success or not.</summary>
    public static bool IsFinished(V1Job job) => Find(job, "Complete") is not null || Find(job, "Failed") is not null;

    /// <summary>Whether a Job has ended with success.</summary>
    public static bool IsComplete(V1Job job) => Find(job, "Complete") is not null;

    /// <summary>When a Job failed; null: it did not.</summary>
    public static DateTimeOffset? FailedAt(V1Job job) =>
        Find(job, "Failed") switch
        {
            null => null,
            { LastTransitionTime: { } at } => new DateTimeOffset(at.ToUniversalTime()),
            _ => DateTimeOffset.MinValue,
        };

    /// <summary>Why a Job failed, in the words of its controller; null: it did not fail.</summary>
    /// <param name="jobs">Jobs of the region.</param>
    /// <param name="name">Name of the Job.</param>
    public static string? FailureOf(IEnumerable<V1Job> jobs, string name) =>
        jobs.FirstOrDefault(job => job.Metadata.Name == name) is { } job && Find(job, "Failed") is { } failed
            ? LastWords.Clean($"{failed.Reason}, {failed.Message}")
            : null;

    private static MigrationState StateOf(string jobName, string digest, V1Deployment? app, IEnumerable<V1Job> jobs)
    {
        // Checks the Job first: a migration may run again for a Deployment that already had it.
        var job = jobs.FirstOrDefault(job => job.Metadata.Name == jobName && job.Metadata.DeletionTimestamp is null);
        return job switch
        {
            null when Labels.AnnotationOf(app?.Metadata, Labels.MigrationDigest) == digest => MigrationState.Done,
            null => MigrationState.Missing,
            _ when Find(job, "Complete") is not null => MigrationState.Done,
            _ when Find(job, "Failed") is not null => MigrationState.Failed,
            _ => MigrationState.Running,
        };
    }

    private static V1JobCondition? Find(V1Job job, string type) =>
        job.Status?.Conditions?.FirstOrDefault(condition => condition.Type == type && condition.Status == "True");
}

/// <summary>State of the database migration for the desired image.</summary>
internal enum MigrationState
{
    /// <summary>Not started.</summary>
    Missing,

    /// <summary>The Job runs.</summary>
    Running,

    /// <summary>The Job failed.</summary>
    Failed,

    /// <summary>The database is migrated.</summary>
    Done,
}
