using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Desired state of a region.</summary>
[Rule("!(has(self.redis) && has(self.connections.redisSecretRef))", "redis and connections.redisSecretRef exclude each other")]
[Rule("has(self.connections.postgresSecretRef) != has(self.postgres)", "set either connections.postgresSecretRef or postgres")]
[Rule("has(self.postgres) == has(oldSelf.postgres)", "postgres cannot be added or removed; create a new ShortenerRegion instead")]
[Rule(
    "(has(self.cluster) && has(self.cluster.name)) == (has(oldSelf.cluster) && has(oldSelf.cluster.name))",
    "cluster cannot be added or removed; create a new ShortenerRegion instead"
)]
[Rule(
    "!has(self.failover) || !has(self.failover.witness) || (has(self.cluster) && has(self.cluster.name))",
    "failover.witness needs cluster.name: regions of one cluster are all lost with its API server"
)]
[Rule(
    "!has(self.failover) || !has(self.failover.witness) || !has(self.cluster) || !has(self.cluster.name) || self.failover.witness.cluster.name != self.cluster.name",
    "failover.witness.cluster.name must be another cluster than cluster.name"
)]
[Rule(
    "!has(self.clickHouse) || (has(self.kafka) && has(self.kafka.bootstrapServers) && size(self.kafka.bootstrapServers) > 0)",
    "clickHouse needs kafka.bootstrapServers: clicks get there through Kafka"
)]
internal sealed record RegionSpec
{
    /// <summary>Regions with the same group select one primary among them.</summary>
    [Description("Regions with the same group form one failover group, which has one primary. Cannot be changed.")]
    [Length(1, 63)]
    [RegularExpression(Patterns.DnsLabel)]
    [Rule("self == oldSelf", "group cannot be changed; create a new ShortenerRegion instead")]
    public string Group { get; init; } = "default";

    /// <summary>The region's name, unique in its group.</summary>
    [Description("Name of the region, such as eu-west: lower-case letters, digits and '-', starting with a letter. Unique in its group. Cannot be changed.")]
    [Required]
    [Length(2, 31)]
    [RegularExpression(Patterns.RegionName)]
    [Rule("self == oldSelf", "region cannot be changed; create a new ShortenerRegion instead")]
    public string Region { get; init; } = "";

    /// <summary>The cluster that runs the region; null: the one that the object is in.</summary>
    [Description(
        "Kubernetes cluster that runs the region, if regions of the group are in several clusters. If absent: the one that this object is in. Cannot be added or removed."
    )]
    public ClusterSpec? Cluster { get; init; }

    /// <summary>Whether the operator leaves the region alone; one of <see cref="SuspendMode"/>.</summary>
    [Description(
        "None: the operator reconciles the region. Changes: the operator changes nothing and only updates the status. Running pods keep serving, PostgreSQL and "
            + "Redis that the operator runs still fail over, and visitors are still sent to the regions that serve."
    )]
    [OneOf(SuspendMode.None, SuspendMode.Changes)]
    public string Suspend { get; init; } = SuspendMode.None;

    /// <summary>Servers that the operator does not run.</summary>
    [Description("Secrets that tell the pods how to connect to servers that you run.")]
    public ConnectionsSpec Connections { get; init; } = new();

    /// <summary>A Redis Cluster that the operator runs; null: none.</summary>
    [Description("Redis Cluster that the operator runs for the region. If absent: the one of connections.redisSecretRef, or none.")]
    public RedisSpec? Redis { get; init; }

    /// <summary>The PostgreSQL that the operator runs; null: <see cref="Connections"/> names one.</summary>
    [Description("PostgreSQL that the operator runs for the region. Either this or connections.postgresSecretRef. Cannot be added or removed later.")]
    public PostgresSpec? Postgres { get; init; }

    /// <summary>The Kafka that gets click events; null: none.</summary>
    [Description("Kafka that gets an event for each click. If absent: none does. Kafka is never needed to serve: while it fails, events wait on the nodes.")]
    public KafkaSpec? Kafka { get; init; }

    /// <summary>The ClickHouse that answers statistics; null: PostgreSQL does.</summary>
    [Description(
        "ClickHouse that answers statistics, and gets its clicks from Kafka. If absent: PostgreSQL answers them. All regions of a group use the same one. It "
            + "is never needed to serve: while it fails, there are no statistics."
    )]
    public ClickHouseSpec? ClickHouse { get; init; }

    /// <summary>The processes that redirect and serve the API.</summary>
    [Description("The pods that redirect and serve the API.")]
    [Required]
    public AppSpec App { get; init; } = new();

    /// <summary>Names under which clients reach the region.</summary>
    [Description(
        "Names under which clients reach the region, and how visitors are sent to the regions that serve. With the mode None, point DNS or a load balancer at the "
            + "region's Service yourself."
    )]
    [Required]
    public TrafficSpec Traffic { get; init; } = new();

    /// <summary>How the group selects its primary region.</summary>
    [Description("How the group selects its primary. Has no effect while the group has one region.")]
    public FailoverSpec Failover { get; init; } = new();

    /// <summary>Whether the region is to have neither the primary role nor visitors.</summary>
    [Description(
        "Whether visitors are sent to other regions of the group, if traffic.mode publishes where they go. Where the operator runs PostgreSQL in several regions, the region also gives up the primary role to one that has all changes, and does not get it again."
    )]
    public bool Drain { get; init; }

    /// <summary>How Prometheus finds the region.</summary>
    [Description("How Prometheus finds the region's pods.")]
    public MonitoringSpec Monitoring { get; init; } = new();

    /// <summary>Whether the operator leaves the region alone. A value that this version does not define suspends too.</summary>
    public bool IsSuspended() => Suspend != SuspendMode.None;

    /// <summary>The Kafka that gets click events; null: none.</summary>
    public KafkaSpec? KafkaOrNone() => Kafka is { BootstrapServers.Count: > 0 } ? Kafka : null;

    /// <summary>Name of the cluster that runs the region; null: the one that the object is in.</summary>
    public string? ClusterName() => Cluster?.Name;

    /// <summary>Name of the cluster that is to be the witness of the group; null: none.</summary>
    public string? WitnessName() => Failover.Witness?.Cluster.Name;
}
