namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>The log events of the load.</summary>
internal static partial class LoadLog
{
    [LoggerMessage(EventName = "ClickLoadFailing", Level = LogLevel.Warning, Message = "Click events cannot be loaded; they wait in Kafka: {Reason}")]
    public static partial void Failing(ILogger logger, string reason);

    [LoggerMessage(EventName = "ClickLoadRecovered", Level = LogLevel.Information, Message = "Click events are loaded again.")]
    public static partial void Recovered(ILogger logger);

    [LoggerMessage(EventName = "ClickConsumerReplaced", Level = LogLevel.Information, Message = "The Kafka consumer is replaced: {Reason}")]
    public static partial void ConsumerReplaced(ILogger logger, string reason);

    [LoggerMessage(EventName = "ClickConsumerFailed", Level = LogLevel.Error, Message = "The load of click events failed; it begins anew.")]
    public static partial void ConsumerFailed(ILogger logger, Exception error);

    [LoggerMessage(
        EventName = "ClickEventsExpired",
        Level = LogLevel.Error,
        Message = "Partition {Partition}: Kafka deleted {Count} click events before they were loaded."
    )]
    public static partial void Expired(ILogger logger, int partition, long count);

    [LoggerMessage(
        EventName = "ClickLogShorter",
        Level = LogLevel.Error,
        Message = "Partition {Partition}: the log ends at {High}, before {Reached}, up to where its load had come: Kafka has lost events. It goes on."
    )]
    public static partial void LogIsShorter(ILogger logger, int partition, long high, long reached);

    [LoggerMessage(
        EventName = "ClickLoadMoved",
        Level = LogLevel.Information,
        Message = "Partition {Partition}: a batch does not begin where the load stands. Another process loads it, or the topic was made anew; looking again."
    )]
    public static partial void Moved(ILogger logger, int partition);
}
