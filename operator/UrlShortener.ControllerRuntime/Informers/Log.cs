using UrlShortener.ControllerRuntime.Api;

namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>The log events of informers.</summary>
internal static partial class Log
{
    [LoggerMessage(
        EventName = "WatchGone",
        Level = LogLevel.Information,
        Message = "The server no longer has the changes of {Kind} in {Namespace}; listing again."
    )]
    public static partial void WatchGone(ILogger logger, string kind, string? @namespace);

    [LoggerMessage(
        EventName = "WatchIdle",
        Level = LogLevel.Debug,
        Message = "The watch of {Kind} in {Namespace} received nothing for {Limit}; opening a new one."
    )]
    public static partial void WatchIdle(ILogger logger, string kind, string? @namespace, TimeSpan limit);

    [LoggerMessage(EventName = "WatchFailed", Level = LogLevel.Warning, Message = "The watch of {Kind} in {Namespace} failed; retrying.")]
    public static partial void WatchFailed(ILogger logger, string kind, string? @namespace, Exception exception);

    [LoggerMessage(
        EventName = "KindNotServed",
        Message = "The server does not serve {Kind} of {ApiVersion}; retrying about every {Interval}. Install its definition, or turn off the feature that "
            + "needs it."
    )]
    public static partial void KindNotServed(ILogger logger, LogLevel level, string kind, string apiVersion, TimeSpan interval);

    [LoggerMessage(
        EventName = "ObjectUndecodable",
        Level = LogLevel.Error,
        Message = "Cannot read a {Kind} that the server sent; keeping its last known state."
    )]
    public static partial void Undecodable(ILogger logger, string kind, Exception exception);

    [LoggerMessage(EventName = "HandlerFailed", Level = LogLevel.Error, Message = "A handler failed on {Kind} {Object}; it runs again at the next resync.")]
    public static partial void HandlerFailed(ILogger logger, string kind, ObjectKey @object, Exception exception);
}
