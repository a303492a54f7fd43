namespace UrlShortener.Operator.Failover;

/// <summary>Where a group stands in a move of the write role.</summary>
internal enum TopologyPhase
{
    /// <summary>The primary region may write.</summary>
    Stable,

    /// <summary>No region may write: the former primary is made read-only, or its write lease ends.</summary>
    Fencing,

    /// <summary>The new primary region may write, and has not said yet that it does.</summary>
    Promoting,
}
