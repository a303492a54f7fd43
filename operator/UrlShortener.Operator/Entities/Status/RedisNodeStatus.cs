using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>A node of a Redis Cluster.</summary>
internal sealed record RedisNodeStatus
{
    /// <summary>The pod.</summary>
    [Description("Name of the pod.")]
    [Required]
    [Length(1, 253)]
    public string Name { get; init; } = "";

    /// <summary>Identity in the cluster; null: not known.</summary>
    [Description("Identity of the node in the cluster. Absent: not known.")]
    [Length(0, 40)]
    public string? Id { get; init; }

    /// <summary>Master, Replica or null.</summary>
    [Description("Master or Replica. Absent: the node does not answer.")]
    [Length(0, 16)]
    public string? Role { get; init; }

    /// <summary>The shard.</summary>
    [Description("Shard of the node, from 0.")]
    public int? Shard { get; init; }

    /// <summary>State of the link to the master.</summary>
    [Description("Link of a replica to its master: Up, Syncing or Down.")]
    [Length(0, 16)]
    public string? Link { get; init; }
}
