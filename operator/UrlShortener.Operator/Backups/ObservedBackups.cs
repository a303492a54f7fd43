using k8s.Models;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Backups;

/// <summary>The observed state of a region's backups, read once per reconcile. The objects belong to the caches: do not change them.</summary>
internal sealed record ObservedBackups
{
    /// <summary>Jobs of backups that belong to the region, the oldest first.</summary>
    public IReadOnlyList<V1Job> Jobs { get; init; } = [];

    /// <summary>What the pods of finished Jobs report, by the Jobs' names.</summary>
    public IReadOnlyDictionary<string, string> Reports { get; init; } = new Dictionary<string, string>();

    /// <summary>Pods of the Jobs.</summary>
    public IReadOnlyList<V1Pod> Pods { get; init; } = [];

    /// <summary>The user's Secret with the key of the storage, with digests instead of values.</summary>
    public V1Secret? Credentials { get; init; }

    /// <summary>The Secret with pgBackRest's configuration, with digests instead of values.</summary>
    public V1Secret? Configuration { get; init; }

    /// <summary>The Secret with pgBackRest's configuration for the restore, with digests instead of values.</summary>
    public V1Secret? RestoreConfiguration { get; init; }

    /// <summary>The primary's pod, if it accepts writes.</summary>
    public V1Pod? Primary { get; init; }

    /// <summary>What the primary says about archiving; null: it does not answer.</summary>
    public ArchiverState? Archiver { get; init; }

    /// <summary>The times that decisions depend on.</summary>
    public BackupTiming Timing { get; init; } = new();

    /// <summary>Pods of a Job.</summary>
    public IReadOnlyList<V1Pod> PodsOf(V1Job job) => [.. Pods.Where(pod => PodOwner.JobOf(pod) == job.Metadata.Name)];

    /// <summary>Jobs of some kinds that are not being deleted, the oldest first.</summary>
    public IReadOnlyList<V1Job> JobsOf(params BackupKind[] kinds) =>
        [.. Jobs.Where(job => job.Metadata.DeletionTimestamp is null && BackupResources.KindOf(job) is { } kind && kinds.Contains(kind))];
}
