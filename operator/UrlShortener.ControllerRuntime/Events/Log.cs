namespace UrlShortener.ControllerRuntime.Events;

/// <summary>Log messages of the event writer.</summary>
internal static partial class Log
{
    [LoggerMessage(EventName = "EventDropped", Level = LogLevel.Warning, Message = "Dropped event {Reason} on {Object}.")]
    public static partial void EventDropped(ILogger logger, string reason, string @object, Exception exception);

    [LoggerMessage(EventName = "EventRetried", Level = LogLevel.Debug, Message = "Retrying to write event {Reason} on {Object}: {Message}")]
    public static partial void EventRetried(ILogger logger, string reason, string @object, string message);
}
