using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A Redis Cluster that the operator runs.</summary>
internal sealed record RedisSpec
{
    /// <summary>Minimum of <see cref="Shards"/>.</summary>
    public const int FewestShards = 3;

    /// <summary>Minimum of <see cref="ReplicasPerShard"/>.</summary>
    public const int FewestReplicas = 1;

    /// <summary>Maximum of <see cref="Shards"/>.</summary>
    public const int MostShards = 16;

    /// <summary>Maximum of <see cref="ReplicasPerShard"/>.</summary>
    public const int MostReplicas = 2;

    /// <summary>The image.</summary>
    [Description("Image of Redis 7 with redis-server, redis-cli and a shell, such as redis:7.2. On a change the operator replaces the pods one by one.")]
    [Required]
    [Length(1, 512)]
    [RegularExpression("^[a-zA-Z0-9][-a-zA-Z0-9._/:@]*$")]
    public string Image { get; init; } = "";

    /// <summary>Masters.</summary>
    [Description(
        "Number of shards: masters, each with a part of the data. A majority of them must work for a failover. On a change the operator moves keys between the "
            + "shards while clients use them, as long as all nodes work. Then it removes the pods of shards that are no longer asked for."
    )]
    [Range(FewestShards, MostShards)]
    public int Shards { get; init; } = FewestShards;

    /// <summary>Replicas of each master.</summary>
    [Description("Replicas of each master.")]
    [Range(FewestReplicas, MostReplicas)]
    public int ReplicasPerShard { get; init; } = FewestReplicas;

    /// <summary>Memory for the data of a node.</summary>
    [Description(
        "Memory for the data of each node. Above it, Redis evicts the entries that have a time to live and were not used for longest. The limit of the "
            + "container must be higher: Redis needs more for its buffers and while it writes its file anew."
    )]
    public ResourceQuantity MaxMemory { get; init; } = new("256Mi");

    /// <summary>Milliseconds until the nodes find another one failed.</summary>
    [Description(
        "Milliseconds without an answer after which the nodes find another one failed. A failover without the operator takes about twice that. Above 1750 it "
            + "may take longer than 5 seconds."
    )]
    [Range(1_000, 15_000)]
    public int NodeTimeoutMillis { get; init; } = 1_500;

    /// <summary>Whether the operator starts failovers.</summary>
    [Description(
        "Whether the operator lets a replica take over as soon as it has proof that a master has ended. If false, only the nodes themselves do, after "
            + "nodeTimeoutMillis."
    )]
    public bool AssistedFailover { get; init; } = true;

    /// <summary>The volume of a node.</summary>
    [Description("The volume of each node.")]
    public RedisStorageSpec Storage { get; init; } = new();

    /// <summary>CPU and memory of a node.</summary>
    [Description("CPU and memory of each node. The memory limit must be above maxMemory.")]
    public ResourcesSpec Resources { get; init; } = ResourcesSpec.Of(cpu: "100m", memory: "512Mi", memoryLimit: "512Mi");

    /// <summary>Labels of the nodes that may run pods.</summary>
    [Description("Labels that a node must have to run the pods.")]
    [Length(0, 16)]
    [Each(0, 63, Pattern = Patterns.LabelValue)]
    public IReadOnlyDictionary<string, string> NodeSelector { get; init; } = new Dictionary<string, string>();

    /// <summary>Node taints that pods tolerate.</summary>
    [Description("Node taints that the pods tolerate.")]
    [Length(0, 16)]
    public IReadOnlyList<Toleration> Tolerations { get; init; } = [];

    /// <summary>Null: the cluster's default.</summary>
    [Description("PriorityClass of the pods. If absent: the cluster's default.")]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string? PriorityClassName { get; init; }
}
