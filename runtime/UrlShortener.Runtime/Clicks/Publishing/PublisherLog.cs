namespace UrlShortener.Runtime.Clicks.Publishing;

/// <summary>The log events of the publication.</summary>
internal static partial class PublisherLog
{
    [LoggerMessage(EventName = "ClickEventsFailing", Level = LogLevel.Warning, Message = "Kafka does not take click events; they wait in the spool: {Reason}")]
    public static partial void Failing(ILogger logger, string reason);

    [LoggerMessage(EventName = "ClickEventsRecovered", Level = LogLevel.Information, Message = "Kafka takes click events again.")]
    public static partial void Recovered(ILogger logger);

    [LoggerMessage(EventName = "ClickProducerFailed", Level = LogLevel.Warning, Message = "The Kafka producer failed for good and is replaced: {Reason}")]
    public static partial void ProducerFailed(ILogger logger, string reason);

    [LoggerMessage(EventName = "ClickEventsLeft", Level = LogLevel.Information, Message = "{Count} click events stay in the spool for the next process.")]
    public static partial void LeftInSpool(ILogger logger, long count);

    [LoggerMessage(
        EventName = "ClickProducerRenewed",
        Level = LogLevel.Information,
        Message = "Files of the connection to Kafka have changed; connecting anew."
    )]
    public static partial void Renewing(ILogger logger);
}
