using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The volume of each pod of a store.</summary>
internal sealed record StorageSpec
{
    /// <summary>Size of the volume.</summary>
    [Description("Size of each pod's volume, such as 20Gi. It can be raised if the StorageClass allows it, and not lowered.")]
    [Required]
    public ResourceQuantity Size { get; init; } = new("10Gi");

    /// <summary>Null: the cluster's default.</summary>
    [Description("StorageClass of the volumes. If absent: the cluster's default. Cannot be changed.")]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string? StorageClassName { get; init; }

    /// <summary>What happens to the volumes when the region is deleted; one of <see cref="OnDeletion"/>.</summary>
    [Description("What happens to the volumes when the region is deleted. Retain: they stay. Delete: they are deleted with all data.")]
    [OneOf(OnDeletion.Retain, OnDeletion.Delete)]
    public string OnDelete { get; init; } = OnDeletion.Retain;
}

/// <summary>Values of <see cref="StorageSpec.OnDelete"/>.</summary>
internal static class OnDeletion
{
    /// <summary>The volumes stay.</summary>
    public const string Retain = nameof(Retain);

    /// <summary>The volumes are deleted.</summary>
    public const string Delete = nameof(Delete);
}
