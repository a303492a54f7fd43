namespace UrlShortener.TestServers.Network;

/// <summary>What a <see cref="TcpGate"/> does with connections.</summary>
public enum TcpGateMode
{
    /// <summary>Bytes pass in both directions.</summary>
    Open,

    /// <summary>Connections are reset, and new ones are refused: the server is down.</summary>
    Closed,

    /// <summary>
    /// Connections stay and new ones are accepted, but no byte passes: the network is cut. What was sent meanwhile passes when the gate opens.
    /// </summary>
    BlackHole,
}
