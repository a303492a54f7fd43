namespace UrlShortener.Operator.Redis.Cluster;

/// <summary>A pod that the specification asks for, whether it exists or not, or one that exists and is no longer asked for.</summary>
internal sealed record RedisPod
{
    /// <summary>Name.</summary>
    public required string Name { get; init; }

    /// <summary>Shard that it belongs to, from 0. Which pod of a shard is the master changes with every failover.</summary>
    public required int Shard { get; init; }

    /// <summary>Number within the shard.</summary>
    public required int Ordinal { get; init; }

    /// <summary>Whether the specification no longer asks for it.</summary>
    public bool IsLeaving { get; init; }

    /// <summary>Identity of the pod and of its container; null: the pod does not exist or has not started. Another value proves that the old process ended.</summary>
    public string? Process { get; init; }

    /// <summary>Address; null: none.</summary>
    public string? Ip { get; init; }

    /// <summary>Zone of its node, otherwise the node; null: not known.</summary>
    public string? Domain { get; init; }

    /// <summary>Whether the pod is being deleted.</summary>
    public bool IsTerminating { get; init; }

    /// <summary>Whether the pod runs another specification than the current one.</summary>
    public bool IsOutdated { get; init; }

    /// <summary>Why its process cannot run; null: not proven.</summary>
    public string? Death { get; init; }
}
