namespace UrlShortener.TestServers.Postgres;

/// <summary>What a <see cref="PostgresCluster"/> is like.</summary>
public sealed record PostgresClusterOptions
{
    /// <summary>How many replicas stream from the primary: 0 to 2. Default 0.</summary>
    public int Replicas { get; init; }

    /// <summary>
    /// Whether what was committed survives a loss of power: fsync and full_page_writes are on, and the data is on disk, in the folder for temporary files.
    /// By default both are off and the data is in memory, which survives a killed server but not a lost machine.
    /// </summary>
    public bool Durable { get; init; }

    /// <summary>Whether a commit is acknowledged only when at least one replica has it. Writing waits while there is none.</summary>
    public bool Synchronous { get; init; }

    /// <summary>Whether a <see cref="Network.TcpGate"/> stands before every node, and connection strings lead through it. Default no.</summary>
    public bool Gated { get; init; }

    /// <summary>Connections that a node takes. Default 100.</summary>
    public int MaxConnections { get; init; } = 100;

    /// <summary>Further settings of all nodes, by name as in postgresql.conf; they go before those that this library makes.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}
