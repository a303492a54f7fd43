using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>What the operator found in a region. Holds no counters and no times of reconciles: those are metrics, and would make every look a write.</summary>
internal sealed record RegionStatus
{
    /// <summary>Generation of the specification that this status is about.</summary>
    [Description("Generation of the specification that this status is about.")]
    public long? ObservedGeneration { get; init; }

    /// <summary>One of <see cref="RegionRole"/>; null: not known yet.</summary>
    [Description("Part of the region in its group: Primary, Standby, Fenced, Promoting or Unknown.")]
    [Length(0, 32)]
    public string? Role { get; init; }

    /// <summary>Null while the group has one region.</summary>
    [Description("What the regions of the group agreed on last.")]
    public TopologyStatus? Topology { get; init; }

    /// <summary>Failover between regions.</summary>
    [Description("State of failovers between regions.")]
    public FailoverStatus? Failover { get; init; }

    /// <summary>The app's pods.</summary>
    [Description("Pods of the app.")]
    public AppStatus? App { get; init; }

    /// <summary>The operator's PostgreSQL.</summary>
    [Description("State of PostgreSQL.")]
    public PostgresStatus? Postgres { get; init; }

    /// <summary>The operator's Redis Cluster.</summary>
    [Description("State of Redis.")]
    public RedisStatus? Redis { get; init; }

    /// <summary>Servers that the operator does not run.</summary>
    [Description("Servers that the operator does not run, as the app sees them.")]
    [Length(0, 4)]
    [ListMap("name")]
    public IReadOnlyList<DependencyStatus>? Dependencies { get; init; }

    /// <summary>What is published.</summary>
    [Description("What is published about the region.")]
    public TrafficStatus? Traffic { get; init; }

    /// <summary>Conditions by type.</summary>
    [Description("Conditions: Ready first of all, then what it is made of.")]
    [Length(0, 24)]
    [ListMap("type")]
    public IReadOnlyList<V1Condition>? Conditions { get; init; }
}
