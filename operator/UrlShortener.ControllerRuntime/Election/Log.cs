namespace UrlShortener.ControllerRuntime.Election;

/// <summary>The log events of the election.</summary>
internal static partial class Log
{
    [LoggerMessage(EventName = "LeadershipWon", Level = LogLevel.Information, Message = "{Identity} leads by lease {Lease}.")]
    public static partial void LeadershipWon(ILogger logger, string identity, string lease);

    [LoggerMessage(EventName = "LeadershipReleased", Level = LogLevel.Information, Message = "{Identity} handed lease {Lease} back.")]
    public static partial void LeadershipReleased(ILogger logger, string identity, string lease);

    [LoggerMessage(EventName = "LeadershipLost", Level = LogLevel.Critical,
        Message = "{Identity} could not renew lease {Lease} for {Deadline}: the process ends, and another one leads.")]
    public static partial void LeadershipLost(ILogger logger, string identity, string lease, TimeSpan deadline);

    [LoggerMessage(EventName = "LeaseHeldByAnother", Level = LogLevel.Debug, Message = "{Identity} waits: lease {Lease} is held by {Holder}.")]
    public static partial void LeaseHeldByAnother(ILogger logger, string identity, string lease, string holder);

    [LoggerMessage(EventName = "LeaseAttemptFailed", Level = LogLevel.Warning, Message = "{Identity} failed to read or write lease {Lease}.")]
    public static partial void LeaseAttemptFailed(ILogger logger, string identity, string lease, Exception exception);
}
