namespace UrlShortener.TestServers.Redis;

/// <summary>What a <see cref="RedisCluster"/> is like.</summary>
public sealed record RedisClusterOptions : RedisServerOptions
{
    /// <summary>
    /// How long a node may be silent before the others call it failed. A master is replaced after two to two and a half times this. Default 1 s.
    /// </summary>
    public TimeSpan NodeTimeout { get; init; } = TimeSpan.FromSeconds(1);
}
