using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Regions;

/// <summary>The migration that the wanted app of a region relies on, and how far it is. Pure.</summary>
/// <param name="Digest">Changes with the image and with the database.</param>
/// <param name="State">How far it is.</param>
internal sealed record Migration(string Digest, MigrationState State)
{
    /// <summary>How long after it failed a migration is tried again.</summary>
    public static readonly TimeSpan RetryDelay = TimeSpan.FromMinutes(1);

    /// <summary>Works it out.</summary>
    /// <param name="region">The region.</param>
    /// <param name="secrets">Secrets by name, with digests for values.</param>
    /// <param name="app">The Deployment of the region's app; null: there is none.</param>
    /// <param name="jobs">Jobs of the region.</param>
    public static Migration Of(V1Alpha1ShortenerRegion region, IReadOnlyDictionary<string, V1Secret> secrets, V1Deployment? app, IEnumerable<V1Job> jobs)
    {
        var postgres = new[] { region.Spec.Connections.PostgresSecretRef }.OfType<SecretKeyRef>();
        var digest = Apply.Digest.Of(region.Spec.App.Image, SecretDigests.Of(postgres, secrets));
        return new Migration(digest, StateOf(MigrationJob.NameOf(region, digest), digest, app, jobs));
    }

    /// <summary>When a Job failed; null: it did not.</summary>
    public static DateTimeOffset? FailedAt(V1Job job) => Find(job, "Failed") switch
    {
        null => null,
        { LastTransitionTime: { } at } => new DateTimeOffset(at.ToUniversalTime()),
        _ => DateTimeOffset.MinValue,
    };

    private static MigrationState StateOf(string jobName, string digest, V1Deployment? app, IEnumerable<V1Job> jobs)
    {
        if (Labels.AnnotationOf(app?.Metadata, Labels.MigrationDigest) == digest)
            return MigrationState.Done;
        var job = jobs.FirstOrDefault(job => job.Metadata.Name == jobName && job.Metadata.DeletionTimestamp is null);
        return job switch
        {
            null => MigrationState.Missing,
            _ when Find(job, "Complete") is not null => MigrationState.Done,
            _ when Find(job, "Failed") is not null => MigrationState.Failed,
            _ => MigrationState.Running,
        };
    }

    private static V1JobCondition? Find(V1Job job, string type) =>
        job.Status?.Conditions?.FirstOrDefault(condition => condition.Type == type && condition.Status == "True");
}

/// <summary>How far the tables are for the app that is wanted.</summary>
internal enum MigrationState
{
    /// <summary>Nothing was done yet.</summary>
    Missing,

    /// <summary>The Job is at it.</summary>
    Running,

    /// <summary>The Job gave up.</summary>
    Failed,

    /// <summary>They are up to date.</summary>
    Done,
}
