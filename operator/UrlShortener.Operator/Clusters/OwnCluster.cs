using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Clusters;

/// <summary>The cluster that this operator runs regions of (setting <c>Operator:Cluster</c>).</summary>
/// <param name="Name">Its name; empty: it has none, and the operator runs no region that names a cluster.</param>
internal sealed record OwnCluster(string Name)
{
    /// <summary>Marks a region that another cluster runs.</summary>
    /// <param name="region">The region.</param>
    public void Mark(V1Alpha1ShortenerRegion region) => region.IsRemote = region.Spec.ClusterName() is { } cluster && cluster != Name;
}
