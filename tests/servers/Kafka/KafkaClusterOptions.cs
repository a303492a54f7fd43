namespace UrlShortener.TestServers.Kafka;

/// <summary>What a <see cref="KafkaCluster"/> is like.</summary>
public sealed record KafkaClusterOptions
{
    /// <summary>Brokers, each of them a controller too: 1 or 3. With 3, each partition has three replicas, of which two must have a record. Default 1.</summary>
    public int Nodes { get; init; } = 1;

    /// <summary>
    /// Whether each node has two more places for clients, with TLS: one asks for the password of <see cref="KafkaCluster.User"/> (SCRAM-SHA-512), the other one
    /// for a certificate. Default false.
    /// </summary>
    public bool IsSecured { get; init; }

    /// <summary>Further settings, by name as in server.properties; they win over those that this library makes.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}
