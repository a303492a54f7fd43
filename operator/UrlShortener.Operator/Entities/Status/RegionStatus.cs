using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>Observed state of a region. Without counters and times of reconciles: those are metrics, and would cause a write per reconcile.</summary>
internal sealed record RegionStatus
{
    /// <summary>Generation of the specification that this status describes.</summary>
    [Description("Generation of the specification that this status describes.")]
    public long? ObservedGeneration { get; init; }

    /// <summary>One of <see cref="RegionRole"/>; null: not known yet.</summary>
    [Description("Role of the region in its group: Primary, Standby, or Fenced: a primary region that takes no changes any more because the role moves.")]
    [Length(0, 32)]
    public string? Role { get; init; }

    /// <summary>When the region was first ready; null: never.</summary>
    [Description("Time at which the region was Ready for the first time. Only a region that is or was Ready can become the primary.")]
    public DateTime? FirstReadyTime { get; init; }

    /// <summary>Null while the group has one region.</summary>
    [Description("Primary of the group, and why. Absent while the group has one region.")]
    public TopologyStatus? Topology { get; init; }

    /// <summary>What the group has agreed on; null: its regions do not vote.</summary>
    [Description("What the regions of the group have agreed on about the primary role. Absent unless the operator runs PostgreSQL in several of them.")]
    public FailoverStatus? Failover { get; init; }

    /// <summary>The app's pods.</summary>
    [Description("Pods of the app.")]
    public AppStatus? App { get; init; }

    /// <summary>The region's PostgreSQL; null: the operator does not run it.</summary>
    [Description("PostgreSQL of the region. Absent unless the operator runs it.")]
    public PostgresStatus? Postgres { get; init; }

    /// <summary>Backups of the region's PostgreSQL; null: none are asked for.</summary>
    [Description("Backups of the region's PostgreSQL. Absent unless the region asks for them.")]
    public BackupStatus? Backup { get; init; }

    /// <summary>Servers that the app needs.</summary>
    [Description("Servers that the app needs, as the app sees them.")]
    [Length(0, 4)]
    [ListMap("name")]
    public IReadOnlyList<DependencyStatus>? Dependencies { get; init; }

    /// <summary>The tables of the database.</summary>
    [Description("Tables of the database, as the app finds them.")]
    public SchemaStatus? Schema { get; init; }

    /// <summary>The Redis Cluster that the operator runs; null: none.</summary>
    [Description("Redis Cluster that the operator runs. Absent: none.")]
    public RedisStatus? Redis { get; init; }

    /// <summary>The pods that load click events; null: there is no ClickHouse.</summary>
    [Description("Pods that load click events into ClickHouse. Absent without ClickHouse.")]
    public LoadersStatus? Loaders { get; init; }

    /// <summary>What is published for the region; null: nothing is asked for.</summary>
    [Description("What the operator publishes to send visitors to the region. Absent with the mode None.")]
    public TrafficStatus? Traffic { get; init; }

    /// <summary>Conditions by type.</summary>
    [Description("Conditions. Ready summarizes the others.")]
    [Length(0, 32)]
    [ListMap("type")]
    public IReadOnlyList<V1Condition>? Conditions { get; init; }
}
