namespace UrlShortener.TestServers.Redis;

/// <summary>What a <see cref="RedisServer"/>, or each node of a <see cref="RedisCluster"/>, is like.</summary>
public record RedisServerOptions
{
    /// <summary>Whether data survives the process, by an append-only file on disk that is written through with every command. Default no.</summary>
    public bool Durable { get; init; }

    /// <summary>Whether a <see cref="Network.TcpGate"/> stands before every node. Clients come through it, and the nodes to each other as clients do.</summary>
    public bool Gated { get; init; }

    /// <summary>Further settings, by name as in redis.conf; they go before those that this library makes.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}
