namespace UrlShortener.Runtime.Abuse;

/// <summary>Log messages of the abuse checks.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Block list {Path} loaded with {EntryCount} entries.")]
    public static partial void BlocklistLoaded(ILogger logger, string path, int entryCount);

    [LoggerMessage(Level = LogLevel.Information, Message = "Block list {Path} can be read again.")]
    public static partial void BlocklistReadable(ILogger logger, string path);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Block list {Path} has {ErrorCount} lines that cannot be read and are skipped. {FirstErrors}")]
    public static partial void BlocklistLinesSkipped(ILogger logger, string path, int errorCount, string firstErrors);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Block list {Path} cannot be read, and the last one with {EntryCount} entries stays in force. Restore the file or correct {Setting}.")]
    public static partial void BlocklistUnreadable(ILogger logger, Exception exception, string path, string setting, int entryCount);

    [LoggerMessage(Level = LogLevel.Error, Message = "Polling block list {Path} failed; it is tried again.")]
    public static partial void BlocklistPollFailed(ILogger logger, Exception exception, string path);
}
