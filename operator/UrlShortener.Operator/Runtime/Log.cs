namespace UrlShortener.Operator.Runtime;

/// <summary>The log events of the controller runtime.</summary>
internal static partial class Log
{
    [LoggerMessage(EventName = "WatchGone", Level = LogLevel.Information, Message = "The server no longer has the changes of {Kind} in {Namespace}; listing anew.")]
    public static partial void WatchGone(ILogger logger, string kind, string? @namespace);

    [LoggerMessage(EventName = "WatchIdle", Level = LogLevel.Debug, Message = "The watch of {Kind} in {Namespace} was silent for {Limit}; opening a new one.")]
    public static partial void WatchIdle(ILogger logger, string kind, string? @namespace, TimeSpan limit);

    [LoggerMessage(EventName = "WatchFailed", Level = LogLevel.Warning, Message = "Watching {Kind} in {Namespace} failed and is tried again.")]
    public static partial void WatchFailed(ILogger logger, string kind, string? @namespace, Exception exception);

    [LoggerMessage(EventName = "KindNotServed", Level = LogLevel.Warning,
        Message = "The server does not serve {Kind} of {ApiVersion}; trying again about every {Interval}. Install its definition, or leave what needs it off.")]
    public static partial void KindNotServed(ILogger logger, string kind, string apiVersion, TimeSpan interval);

    [LoggerMessage(EventName = "ObjectUndecodable", Level = LogLevel.Error, Message = "The server sent a {Kind} that cannot be read; what was known of it stays.")]
    public static partial void Undecodable(ILogger logger, string kind, Exception exception);

    [LoggerMessage(EventName = "HandlerFailed", Level = LogLevel.Error, Message = "A handler failed on {Kind} {Object}; it sees it again at the next resync.")]
    public static partial void HandlerFailed(ILogger logger, string kind, ObjectKey @object, Exception exception);

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

    [LoggerMessage(EventName = "ReconcileFailed", Level = LogLevel.Error, Message = "{Controller} failed on {Object} and tries again: {Message}")]
    public static partial void ReconcileFailed(ILogger logger, string controller, ObjectKey @object, string? message, Exception? exception);

    [LoggerMessage(EventName = "ReconcileRequeued", Level = LogLevel.Debug, Message = "{Controller} looks at {Object} again: {Message}")]
    public static partial void ReconcileRequeued(ILogger logger, string controller, ObjectKey @object, string message);

    [LoggerMessage(EventName = "ReconcileAborted", Level = LogLevel.Information, Message = "{Controller} left {Object}: this process stops or no longer leads.")]
    public static partial void ReconcileAborted(ILogger logger, string controller, ObjectKey @object);

    [LoggerMessage(EventName = "EventDropped", Level = LogLevel.Warning, Message = "Event {Reason} on {Object} was not written.")]
    public static partial void EventDropped(ILogger logger, string reason, string @object, Exception exception);

    [LoggerMessage(EventName = "EventRetried", Level = LogLevel.Debug, Message = "Event {Reason} on {Object} is written again: {Message}")]
    public static partial void EventRetried(ILogger logger, string reason, string @object, string message);
}
