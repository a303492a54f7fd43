using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The volume of a node of Redis.</summary>
[Rule("has(self.storageClassName) == has(oldSelf.storageClassName)", "storageClassName cannot be changed")]
internal sealed record RedisStorageSpec
{
    /// <summary>Size of the volume.</summary>
    [Description("Size of the volume. Redis writes its file anew beside the old one: three times maxMemory is enough. Cannot be changed.")]
    public ResourceQuantity Size { get; init; } = new("2Gi");

    /// <summary>Null: the cluster's default.</summary>
    [Description("StorageClass of the volume. If absent: the cluster's default. Cannot be changed.")]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    [Rule("self == oldSelf", "storageClassName cannot be changed")]
    public string? StorageClassName { get; init; }

    /// <summary>What happens to the volumes when the region is deleted.</summary>
    [Description(
        "Retain: the volumes stay when the region or its Redis is deleted, and a new region with the same name uses them. Delete: they are deleted too. The same "
            + "goes for pods that are removed because shards or replicasPerShard is lowered; their volumes have no data then."
    )]
    [OneOf("Retain", "Delete")]
    public string OnDelete { get; init; } = "Retain";
}
