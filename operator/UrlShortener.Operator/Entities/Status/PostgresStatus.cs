using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>State of PostgreSQL.</summary>
internal sealed record PostgresStatus
{
    /// <summary>The pod that takes writes.</summary>
    [Description("Pod that takes writes, or leads a standby region.")]
    [Length(0, 253)]
    public string? Leader { get; init; }

    /// <summary>The timeline in force.</summary>
    [Description("Timeline of the leader; each promotion begins one.")]
    public long? Timeline { get; init; }

    /// <summary>Identity of the data.</summary>
    [Description("Identity of the data, the same on all servers that came from each other.")]
    [Length(0, 32)]
    public string? SystemIdentifier { get; init; }

    /// <summary>Pods that writes wait for.</summary>
    [Description("Pods that writes wait for.")]
    [Length(0, 3)]
    [Each(0, 253)]
    public IReadOnlyList<string>? SyncStandbys { get; init; }

    /// <summary>Servers that answer.</summary>
    [Description("Servers that are ready.")]
    public int? ReadyInstances { get; init; }

    /// <summary>Every server.</summary>
    [Description("The servers.")]
    [Length(0, 7)]
    [ListMap("name")]
    public IReadOnlyList<PostgresInstanceStatus>? Instances { get; init; }

    /// <summary>Behind the primary region.</summary>
    [Description("Bytes of write-ahead log that this standby region lacks.")]
    public long? StandbyLagBytes { get; init; }

    /// <summary>Behind the primary region.</summary>
    [Description("Seconds that this standby region is behind.")]
    public long? StandbyLagSeconds { get; init; }

    /// <summary>Slots of other regions.</summary>
    [Description("Replication slots of other regions.")]
    [Length(0, 8)]
    [ListMap("name")]
    public IReadOnlyList<ReplicationSlotStatus>? Slots { get; init; }

    /// <summary>The point that the successor must reach.</summary>
    [Description("Point of the log that the next primary must have reached in a planned move.")]
    [Length(0, 256)]
    public string? SwitchoverToken { get; init; }

    /// <summary>The last change of the leader.</summary>
    [Description("The last change of the leader.")]
    public MemberFailover? LastFailover { get; init; }
}
