using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A Redis Cluster that the operator runs.</summary>
internal sealed record RedisSpec
{
    /// <summary>Masters.</summary>
    [Description("Shards, each with one master.")]
    [Range(3, 16)]
    public int Shards { get; init; } = 3;

    /// <summary>Replicas of each master.</summary>
    [Description("Replicas of each master.")]
    [Range(1, 2)]
    public int ReplicasPerShard { get; init; } = 1;

    /// <summary>Milliseconds.</summary>
    [Description("Silence of a node, in milliseconds, after which the others take it for lost (cluster-node-timeout). Above 1750 a failover may take longer than 5 seconds.")]
    [Range(1_000, 15_000)]
    public int NodeTimeoutMillis { get; init; } = 1_500;

    /// <summary>Whether the operator asks for an election on proof of death.</summary>
    [Description("Whether the operator asks a replica to take over as soon as its master is proven dead, instead of waiting for the timeout.")]
    public bool AssistedFailover { get; init; } = true;

    /// <summary>Memory for data of one server.</summary>
    [Description("Memory of each server for data (maxmemory). Cached links give way when it is full.")]
    public ResourceQuantity MaxMemory { get; init; } = new("1Gi");

    /// <summary>Disk of one server.</summary>
    [Description("Disk of each server.")]
    public StorageSpec Storage { get; init; } = new();
}
