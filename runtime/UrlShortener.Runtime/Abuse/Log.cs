namespace UrlShortener.Runtime.Abuse;

/// <summary>Log messages of the abuse checks.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Loaded the blocklist {Path} with {EntryCount} entries")]
    public static partial void BlocklistLoaded(ILogger logger, string path, int entryCount);

    [LoggerMessage(Level = LogLevel.Information, Message = "The blocklist {Path} can be read again")]
    public static partial void BlocklistReadable(ILogger logger, string path);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Skipped {ErrorCount} unreadable lines of the blocklist {Path}. {FirstErrors}")]
    public static partial void BlocklistLinesSkipped(ILogger logger, string path, int errorCount, string firstErrors);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Cannot read the blocklist {Path}; the last one with {EntryCount} entries stays in force. Restore the file or correct {Setting}"
    )]
    public static partial void BlocklistUnreadable(ILogger logger, Exception exception, string path, string setting, int entryCount);

    [LoggerMessage(Level = LogLevel.Error, Message = "Cannot poll the blocklist {Path}; retrying")]
    public static partial void BlocklistPollFailed(ILogger logger, Exception exception, string path);
}
