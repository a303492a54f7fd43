using UrlShortener.ControllerRuntime.Api;

namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>The log events of informers.</summary>
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
}
