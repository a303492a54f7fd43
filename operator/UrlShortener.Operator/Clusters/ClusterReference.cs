using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Clusters;

/// <summary>
/// Which Secret has the kubeconfig of a cluster. In a namespace a cluster has one, also if several regions are in it or have it as their witness: that of the
/// region with the first name that names one. So a region that names none, or another one, takes nothing from the others. Pure.
/// </summary>
internal static class ClusterReference
{
    /// <summary>Finds the Secret.</summary>
    /// <param name="region">The region that needs the cluster.</param>
    /// <param name="cluster">Name of the cluster.</param>
    /// <param name="others">The regions of its namespace, that one included or not.</param>
    /// <returns>The Secret, null: none is named; and why the region may not count on it, null: it may.</returns>
    public static (KubeconfigSecretRef? Reference, Obstacle? Conflict) Of(
        V1Alpha1ShortenerRegion region,
        string cluster,
        IEnumerable<V1Alpha1ShortenerRegion> others
    )
    {
        var own = FindNamed(region, cluster);
        var first = others
            .Where(other => other.Metadata.Name != region.Metadata.Name && other.Metadata.DeletionTimestamp is null)
            .Append(region)
            .Where(other => FindNamed(other, cluster) is not null)
            .MinBy(other => other.Metadata.Name, StringComparer.Ordinal);
        var reference = first is null ? null : FindNamed(first, cluster);
        return (
            reference,
            own is null || own == reference
                ? null
                : new Obstacle(
                    Reasons.KubeconfigInvalid,
                    $"Region {region.Metadata.Name} names Secret {own.Name} with key {own.Key} for cluster {cluster}, and region {first!.Metadata.Name} Secret "
                        + $"{reference!.Name} with key {reference.Key}, which is used. Name the same one: a cluster has one kubeconfig in a namespace, with the rights "
                        + "for all its regions and votes."
                )
        );
    }

    // Of a region that another cluster runs, the reference to that one is used here; of an own one, that to its witness.
    private static KubeconfigSecretRef? FindNamed(V1Alpha1ShortenerRegion region, string cluster) =>
        region.IsRemote ? (region.Spec.ClusterName() == cluster ? region.Spec.Cluster?.KubeconfigSecretRef : null)
        : region.Spec.WitnessName() == cluster ? region.Spec.Failover.Witness?.Cluster.KubeconfigSecretRef
        : null;
}
