using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A cluster other than the one of the object.</summary>
internal sealed record ClusterSpec
{
    /// <summary>How the cluster is reached; null: it is the local one.</summary>
    [Description("Secret with the kubeconfig of the cluster. A kubeconfig that runs a program to log in is refused. Absent: the local cluster.")]
    public KubeconfigSecretRef? KubeconfigSecretRef { get; init; }

    /// <summary>Where the region's objects are made; null: the namespace of the ShortenerRegion.</summary>
    [Description("Namespace of the region's objects. Absent: the namespace of this object.")]
    [Length(1, 63)]
    [RegularExpression(Patterns.DnsLabel)]
    public string? Namespace { get; init; }
}
