using System.Runtime.CompilerServices;
using Prometheus;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Mirrors;

/// <summary>Metrics of regions of other clusters, removed with the region.</summary>
internal static class MirrorMetrics
{
    private static readonly Gauge Reachable = Metrics.CreateGauge(
        "shortener_region_cluster_reachable",
        "1 while the status of a region of another cluster is read from there.",
        "object_namespace",
        "name",
        "region"
    );

    /// <summary>Registers the metrics, so that a process without such a region tells of them too.</summary>
    public static void Prepare() => RuntimeHelpers.RunClassConstructor(typeof(MirrorMetrics).TypeHandle);

    /// <summary>Sets the metrics of a region.</summary>
    /// <param name="region">The region.</param>
    /// <param name="isReachable">Whether its status is read.</param>
    public static void Set(V1Alpha1ShortenerRegion region, bool isReachable) => Reachable.WithLabels(LabelsOf(region)).Set(isReachable ? 1 : 0);

    /// <summary>Removes the metrics of a region.</summary>
    public static void Remove(V1Alpha1ShortenerRegion region) => Reachable.RemoveLabelled(LabelsOf(region));

    private static string[] LabelsOf(V1Alpha1ShortenerRegion region) => [region.Metadata.NamespaceProperty, region.Metadata.Name, region.Spec.Region];
}
