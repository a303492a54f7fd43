using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The Kubernetes cluster that runs a region.</summary>
[Rule("!has(self.kubeconfigSecretRef) || has(self.name)", "cluster.kubeconfigSecretRef needs cluster.name")]
internal sealed record ClusterSpec
{
    /// <summary>Name of the cluster; null: none, as in objects of an earlier version, which had other fields here.</summary>
    [Description(
        "Name of the cluster, the same in all clusters. The operator whose setting Operator:Cluster has this name runs the region. The operators of other clusters "
            + "create nothing for it, and copy its status from there. Cannot be changed."
    )]
    [Length(1, 63)]
    [RegularExpression(Patterns.DnsLabel)]
    [Rule("self == oldSelf", "cluster.name cannot be changed; create a new ShortenerRegion instead")]
    public string? Name { get; init; }

    /// <summary>How operators of other clusters reach its API server; null: they do not.</summary>
    [Description(
        "Secret with a kubeconfig by which the operators and the write guards of other clusters reach the API server of this one. It has a token and the certificates of the authority, "
            + "and no plugins or files. Only read in other clusters."
    )]
    public KubeconfigSecretRef? KubeconfigSecretRef { get; init; }
}

/// <summary>A kubeconfig in a Secret.</summary>
internal sealed record KubeconfigSecretRef : SecretKeyRef
{
    /// <summary>The key defaults to <c>kubeconfig</c>.</summary>
    public KubeconfigSecretRef() => Key = "kubeconfig";
}
