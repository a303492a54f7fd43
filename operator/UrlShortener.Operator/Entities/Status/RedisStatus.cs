using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>Observed state of the Redis Cluster that the operator runs for a region.</summary>
internal sealed record RedisStatus
{
    /// <summary>One of <see cref="RedisState"/>.</summary>
    [Description(
        "Forming: the cluster has not been complete yet. Ready: all nodes work. Degraded: all slots are served, but something is missing. Down: slots are not "
            + "served. QuorumLost: too few masters work to elect others."
    )]
    [Length(0, 32)]
    public string? State { get; init; }

    /// <summary>Slots with an owner.</summary>
    [Description("Number of the 16384 hash slots that have an owner.")]
    public int? SlotsAssigned { get; init; }

    /// <summary>Nodes that answer.</summary>
    [Description("Number of nodes that answer.")]
    public int? ReadyNodes { get; init; }

    /// <summary>All nodes.</summary>
    [Description("Nodes, by the names of their pods.")]
    [Length(0, 48)]
    [ListMap("name")]
    public IReadOnlyList<RedisNodeStatus>? Nodes { get; init; }

    /// <summary>The request to replace the password; null: none.</summary>
    [Description("What became of the annotation urlshortener.dev/rotate-passwords. Absent before the first one.")]
    public PasswordRotationStatus? PasswordRotation { get; init; }

    /// <summary>The last change of a master.</summary>
    [Description("Last change of a shard's master.")]
    public RedisFailoverStatus? LastFailover { get; init; }
}
