namespace UrlShortener.Operator.Entities.Status;

/// <summary>States of a Redis Cluster.</summary>
internal static class RedisState
{
    /// <summary>It has not been complete yet.</summary>
    public const string Forming = nameof(Forming);

    /// <summary>All nodes work.</summary>
    public const string Ready = nameof(Ready);

    /// <summary>All slots are served, but something is missing.</summary>
    public const string Degraded = nameof(Degraded);

    /// <summary>Slots are not served.</summary>
    public const string Down = nameof(Down);

    /// <summary>Too few masters work to elect others.</summary>
    public const string QuorumLost = nameof(QuorumLost);
}
