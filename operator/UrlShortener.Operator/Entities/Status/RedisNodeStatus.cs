using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>One node of the Redis Cluster.</summary>
internal sealed record RedisNodeStatus
{
    /// <summary>Its pod.</summary>
    [Description("Pod of the node.")]
    [Required]
    [Length(1, 253)]
    public string Name { get; init; } = "";

    /// <summary>The node's own identity.</summary>
    [Description("Identity of the node in the cluster.")]
    [Length(0, 40)]
    public string? Id { get; init; }

    /// <summary>master or replica.</summary>
    [Description("master or replica.")]
    [Length(0, 16)]
    public string? Role { get; init; }

    /// <summary>Number of its shard.</summary>
    [Description("Number of its shard.")]
    public int? Shard { get; init; }

    /// <summary>Address.</summary>
    [Description("Address.")]
    [Length(0, 45)]
    public string? Ip { get; init; }

    /// <summary>up or down.</summary>
    [Description("Link of a replica to its master: up or down.")]
    [Length(0, 16)]
    public string? Link { get; init; }
}
