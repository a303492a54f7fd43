namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>The log events of the Kafka client.</summary>
internal static partial class KafkaLog
{
    // It repeats itself with each attempt to connect. The publisher reports what matters once.
    [LoggerMessage(EventName = "KafkaClient", Level = LogLevel.Debug, Message = "{Facility}: {Text}")]
    public static partial void Client(ILogger logger, string facility, string text);

    [LoggerMessage(EventName = "KafkaTrouble", Level = LogLevel.Debug, Message = "The Kafka client reports: {Reason}")]
    public static partial void Trouble(ILogger logger, string reason);

    [LoggerMessage(EventName = "KafkaFilesUnusable", Level = LogLevel.Warning, Message = "The connection to Kafka is kept as it was: {Reason}")]
    public static partial void FilesUnusable(ILogger logger, string reason);
}
