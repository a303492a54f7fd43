using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>What a region is to be.</summary>
[Rule("has(self.connections.postgresSecretRef) != has(self.postgres)", "set exactly one of connections.postgresSecretRef (a PostgreSQL of your own) and postgres (one that the operator runs)")]
[Rule("!(has(self.connections.redisSecretRef) && has(self.redis))", "set at most one of connections.redisSecretRef (a Redis of your own) and redis (one that the operator runs)")]
internal sealed record RegionSpec
{
    /// <summary>Regions of the same group fail over to each other.</summary>
    [Description("Regions with the same group form one failover group. Cannot be changed.")]
    [Length(1, 63)]
    [RegularExpression(Patterns.DnsLabel)]
    [Rule("self == oldSelf", "group cannot be changed; make a new ShortenerRegion instead")]
    public string Group { get; init; } = "default";

    /// <summary>The region's name, unique in its group.</summary>
    [Description("Name of the region, such as eu-west: lower-case letters, digits and '-', a letter first. Unique in its group. Cannot be changed.")]
    [Required]
    [Length(2, 31)]
    [RegularExpression(Patterns.RegionName)]
    [Rule("self == oldSelf", "region cannot be changed; make a new ShortenerRegion instead")]
    public string Region { get; init; } = "";

    /// <summary>How much of the operator's work rests.</summary>
    [Description("What the operator leaves alone. None: it does everything. Changes: it changes nothing but still fails over. Full: it does neither.")]
    public SuspendMode Suspend { get; init; } = SuspendMode.None;

    /// <summary>The cluster that the region runs in; null: this one.</summary>
    [Description("Cluster that the region runs in. Absent: the cluster of this object.")]
    public ClusterSpec? Cluster { get; init; }

    /// <summary>Servers that somebody else runs.</summary>
    [Description("Servers that the operator does not run, and Secrets that tell how they are reached.")]
    public ConnectionsSpec Connections { get; init; } = new();

    /// <summary>The processes that serve.</summary>
    [Description("The processes that redirect and serve the API.")]
    [Required]
    public AppSpec App { get; init; } = new();

    /// <summary>A PostgreSQL that the operator runs; null: none.</summary>
    [Description("A highly available PostgreSQL that the operator runs for this region. Absent: connections.postgresSecretRef names one.")]
    public PostgresSpec? Postgres { get; init; }

    /// <summary>A Redis Cluster that the operator runs; null: none.</summary>
    [Description("A Redis Cluster that the operator runs for this region. Absent: connections.redisSecretRef names one, or the region does without.")]
    public RedisSpec? Redis { get; init; }

    /// <summary>Where clicks are published; null: they go to PostgreSQL.</summary>
    [Description("Kafka that clicks are published to. Absent: clicks are written to PostgreSQL.")]
    public KafkaSpec? Kafka { get; init; }

    /// <summary>Where statistics are read; null: PostgreSQL.</summary>
    [Description("ClickHouse that statistics are kept in. Absent: statistics are kept in PostgreSQL.")]
    public ClickHouseSpec? Clickhouse { get; init; }

    /// <summary>How visitors get here.</summary>
    [Description("The names under which the region is reached, and how traffic is led to it.")]
    [Required]
    public TrafficSpec Traffic { get; init; } = new();

    /// <summary>When and how the write role moves.</summary>
    [Description("When and how the write role moves between the regions of the group. Without effect while the group has one region.")]
    public FailoverSpec Failover { get; init; } = new();

    /// <summary>Planned: the region gives its role and traffic away.</summary>
    [Description("Whether the region is to give away its write role and its traffic, without loss: for planned work.")]
    public bool Drain { get; init; }
}
