using UrlShortener.ControllerRuntime.Api;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>The log events of controllers.</summary>
internal static partial class Log
{
    [LoggerMessage(EventName = "ReconcileFailed", Level = LogLevel.Error, Message = "{Controller} failed to reconcile {Object}; retrying: {Message}")]
    public static partial void ReconcileFailed(ILogger logger, string controller, ObjectKey @object, string? message, Exception? exception);

    [LoggerMessage(EventName = "ReconcileRequeued", Level = LogLevel.Debug, Message = "{Controller} reconciles {Object} again: {Message}")]
    public static partial void ReconcileRequeued(ILogger logger, string controller, ObjectKey @object, string message);

    [LoggerMessage(
        EventName = "ReconcileAborted",
        Level = LogLevel.Information,
        Message = "{Controller} aborted the reconcile of {Object}: this process stops or no longer leads."
    )]
    public static partial void ReconcileAborted(ILogger logger, string controller, ObjectKey @object);
}
