namespace UrlShortener.ControllerRuntime.Election;

/// <summary>The log events of the election.</summary>
internal static partial class Log
{
    [LoggerMessage(EventName = "LeadershipWon", Level = LogLevel.Information, Message = "{Identity} is the leader and holds lease {Lease}.")]
    public static partial void LeadershipWon(ILogger logger, string identity, string lease);

    [LoggerMessage(EventName = "LeadershipReleased", Level = LogLevel.Information, Message = "{Identity} released lease {Lease}.")]
    public static partial void LeadershipReleased(ILogger logger, string identity, string lease);

    [LoggerMessage(
        EventName = "LeadershipLost",
        Level = LogLevel.Critical,
        Message = "{Identity} could not renew lease {Lease} for {Deadline}; exiting, so that another process can lead."
    )]
    public static partial void LeadershipLost(ILogger logger, string identity, string lease, TimeSpan deadline);

    [LoggerMessage(EventName = "LeaseHeldByAnother", Level = LogLevel.Debug, Message = "{Identity} waits; {Holder} holds lease {Lease}.")]
    public static partial void LeaseHeldByAnother(ILogger logger, string identity, string lease, string holder);

    [LoggerMessage(EventName = "LeaseAttemptFailed", Level = LogLevel.Warning, Message = "{Identity} could not read or write lease {Lease}; retrying.")]
    public static partial void LeaseAttemptFailed(ILogger logger, string identity, string lease, Exception exception);
}
