using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Clusters;

/// <summary>
/// Which Secret has the kubeconfig of a cluster. A cluster has one, also if several regions are in it: that of the region with the first name that names one. So
/// a region that names none, or another one, takes nothing from the others. Pure.
/// </summary>
internal static class ClusterReference
{
    /// <summary>Finds the Secret.</summary>
    /// <param name="region">The region that is looked at.</param>
    /// <param name="others">The regions of its namespace and cluster, that one included or not.</param>
    /// <returns>The Secret, null: none is named; or why the region cannot be read.</returns>
    public static (KubeconfigSecretRef? Reference, Obstacle? Conflict) Of(V1Alpha1ShortenerRegion region, IEnumerable<V1Alpha1ShortenerRegion> others)
    {
        var own = region.Spec.Cluster?.KubeconfigSecretRef;
        var first = others
            .Where(other => other.Metadata.Name != region.Metadata.Name && other.Metadata.DeletionTimestamp is null)
            .Append(region)
            .Where(other => other.Spec.Cluster?.KubeconfigSecretRef is not null)
            .MinBy(other => other.Metadata.Name, StringComparer.Ordinal);
        var reference = first?.Spec.Cluster!.KubeconfigSecretRef;
        return own is null || own == reference
            ? (reference, null)
            : (
                null,
                new Obstacle(
                    Reasons.KubeconfigInvalid,
                    $"Region {first!.Metadata.Name} of the same cluster names Secret {reference!.Name} with key {reference.Key}. Name the same one: a cluster has one "
                        + "kubeconfig, with the rights for all its regions."
                )
            );
    }
}
