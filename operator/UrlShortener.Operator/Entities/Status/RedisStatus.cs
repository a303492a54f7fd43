using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>State of Redis.</summary>
internal sealed record RedisStatus
{
    /// <summary>As the nodes say.</summary>
    [Description("State of the cluster: ok, degraded, fail or forming.")]
    [Length(0, 32)]
    public string? State { get; init; }

    /// <summary>Of 16,384.</summary>
    [Description("Hash slots that a master serves; all are 16384.")]
    public int? SlotsAssigned { get; init; }

    /// <summary>The cluster's own.</summary>
    [Description("Configuration epoch of the cluster.")]
    public long? Epoch { get; init; }

    /// <summary>Nodes that answer.</summary>
    [Description("Nodes that are ready.")]
    public int? ReadyNodes { get; init; }

    /// <summary>Every node.</summary>
    [Description("The nodes.")]
    [Length(0, 48)]
    [ListMap("name")]
    public IReadOnlyList<RedisNodeStatus>? Nodes { get; init; }

    /// <summary>The last change of a master.</summary>
    [Description("The last change of a master.")]
    public MemberFailover? LastFailover { get; init; }
}
