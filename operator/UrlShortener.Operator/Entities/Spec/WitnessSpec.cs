using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A cluster that has a vote about the primary role and nothing else.</summary>
internal sealed record WitnessSpec
{
    /// <summary>The cluster.</summary>
    [Description(
        "The cluster that votes. Its vote is the ConfigMap <group>-witness in a namespace with the name of the regions' one; config/samples/witness.yaml creates what it needs."
    )]
    [Required]
    public WitnessClusterSpec Cluster { get; init; } = new();
}

/// <summary>The cluster of a witness. Unlike that of a region, it can be changed.</summary>
internal sealed record WitnessClusterSpec
{
    /// <summary>Its name.</summary>
    [Description("Name of the cluster, the same everywhere, and not that of a cluster with regions of the group.")]
    [Required]
    [Length(1, 63)]
    [RegularExpression(Patterns.DnsLabel)]
    public string Name { get; init; } = "";

    /// <summary>How its API server is reached.</summary>
    [Description(
        "Secret with a kubeconfig by which the operators and the write guards reach its API server. It has a token and the certificates of the authority, and no plugins or files."
    )]
    [Required]
    public KubeconfigSecretRef KubeconfigSecretRef { get; init; } = new();
}
