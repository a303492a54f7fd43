using System.ComponentModel;
using k8s.Models;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The disks of one PostgreSQL server.</summary>
internal sealed record PostgresStorageSpec : StorageSpec
{
    /// <summary>20 GiB unless told.</summary>
    public PostgresStorageSpec() => Size = new("20Gi");

    /// <summary>Null: the log is on the data's disk.</summary>
    [Description("Size of a disk of its own for the write-ahead log. It can only grow. Absent: the log shares the disk of the data.")]
    public ResourceQuantity? WalSize { get; init; }
}
