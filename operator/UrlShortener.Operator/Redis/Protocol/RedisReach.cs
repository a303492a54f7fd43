namespace UrlShortener.Operator.Redis.Protocol;

/// <summary>How far a command got.</summary>
internal enum RedisReach
{
    /// <summary>The node answered, with a value or with an error.</summary>
    Answered,

    /// <summary>Nobody listens at the address: the process has ended.</summary>
    Refused,

    /// <summary>No answer in time.</summary>
    TimedOut,

    /// <summary>The connection broke, or the peer is not the node: its certificate, its password or its protocol.</summary>
    Broken,
}
