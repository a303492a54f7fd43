using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Regions;

/// <summary>The Job that migrates the database before pods of a new image start.</summary>
internal static class MigrationJob
{
    private const int Retries = 4;
    private const int LimitSeconds = 900;

    /// <summary>Name of the Job of a migration.</summary>
    public static string NameOf(V1Alpha1ShortenerRegion region, string digest) => Names.Of(region.Metadata.Name, Suffix(digest));

    /// <summary>Builds the Job. Its name depends on its content, since a Job is immutable.</summary>
    /// <param name="region">The region.</param>
    /// <param name="digest">Digest of the migration.</param>
    /// <param name="repairs">How often the migration has been repeated, this time included.</param>
    public static V1Job Build(V1Alpha1ShortenerRegion region, string digest, int repairs = 0)
    {
        var process = new RuntimeProcess(region.Metadata.Name, Names.Migrate, region.Spec.App.Image, ["migrate"], region.Spec.App.Resources, digest)
        {
            IsJob = true,
        };
        var metadata = Owned.Metadata(region, Suffix(digest), Names.Migrate);
        metadata.Labels = Labels.WithVersion(metadata.Labels, process.Image);
        var job = new V1Job
        {
            Metadata = metadata,
            Spec = new V1JobSpec
            {
                BackoffLimit = Retries,
                ActiveDeadlineSeconds = LimitSeconds,
                Template = RuntimePod.Build(region, process),
            },
        };
        job.Metadata.Annotations = new Dictionary<string, string> { [Labels.AppliedDigest] = Apply.Digest.OfObject(job) };
        if (repairs > 0)
            job.Metadata.Annotations[Labels.MigrationRepairs] = repairs.ToString(CultureInfo.InvariantCulture);
        return job;
    }

    /// <summary>Whether a pod belongs to a Job.</summary>
    public static bool IsPodOf(V1Pod pod, string job) => PodOwner.JobOf(pod) == job;

    /// <summary>Whether a pod belongs to any migration of a region, also to one whose Job is gone.</summary>
    public static bool IsPodOf(V1Pod pod, V1Alpha1ShortenerRegion region) =>
        PodOwner.JobOf(pod)?.StartsWith(Names.Of(region.Metadata.Name, Suffix("00000000"))[..^8], StringComparison.Ordinal) == true;

    /// <summary>Whether a Job was made from the same specification as another one.</summary>
    public static bool IsSame(V1Job job, V1Job wanted) =>
        Labels.AnnotationOf(job.Metadata, Labels.AppliedDigest) == Labels.AnnotationOf(wanted.Metadata, Labels.AppliedDigest);

    private static string Suffix(string digest) => $"{Names.Migrate}-{digest[..8]}";
}
