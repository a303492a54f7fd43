namespace UrlShortener.Operator.Redis;

/// <summary>How a replica takes over from its master.</summary>
internal enum FailoverKind
{
    /// <summary>Together with the master, which stops writes until the replica has all of them: nothing is lost.</summary>
    Graceful,

    /// <summary>Without the master, after a vote of the other masters.</summary>
    Force,

    /// <summary>Without master and vote.</summary>
    Takeover,
}
