using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The disk of one server. Growth is the only change that a disk takes.</summary>
[Rule("has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",
    "storageClassName cannot be changed")]
internal record StorageSpec
{
    /// <summary>The disk's size.</summary>
    [Description("Size of the disk of each server. It can only grow.")]
    public ResourceQuantity Size { get; init; } = new("2Gi");

    /// <summary>Null: the cluster's default.</summary>
    [Description("StorageClass of the disks. Absent: the cluster's default. Cannot be changed.")]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string? StorageClassName { get; init; }
}
