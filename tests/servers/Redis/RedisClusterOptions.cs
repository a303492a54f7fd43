namespace UrlShortener.TestServers.Redis;

/// <summary>What a <see cref="RedisCluster"/> is like.</summary>
public sealed record RedisClusterOptions : RedisServerOptions
{
    /// <summary>
    /// How long a node may be silent before the others call it failed. A master is replaced after two to two and a half times this. Default 1 s.
    /// </summary>
    public TimeSpan NodeTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// What <see cref="NodeTimeout"/> becomes once the cluster has formed, for tests without a failover: nodes that a busy machine keeps from answering each other
    /// must not elect other masters. Null: it stays.
    /// </summary>
    public TimeSpan? Patience { get; init; }
}
