namespace UrlShortener.Runtime.Clicks;

/// <summary>The log events of clicks.</summary>
internal static partial class Log
{
    [LoggerMessage(
        EventName = "GeoDatabaseLoaded",
        Level = LogLevel.Information,
        Message = "Loaded geo database {Path}: {DatabaseType}, built {BuildDate:u}, {Length} bytes."
    )]
    public static partial void GeoDatabaseLoaded(ILogger logger, string path, string databaseType, DateTime buildDate, long length);

    [LoggerMessage(
        EventName = "GeoDatabaseReloadFailed",
        Level = LogLevel.Warning,
        Message = "Geo database {Path} changed and cannot be read; lookups keep the data loaded before. Replace the file, or change Clicks:GeoDatabasePath."
    )]
    public static partial void GeoDatabaseReloadFailed(ILogger logger, string path, Exception exception);

    [LoggerMessage(
        EventName = "GeoDatabaseRecordBroken",
        Level = LogLevel.Warning,
        Message = "Geo database {Path} holds a record that cannot be read; such addresses have no place. Replace the file. Logged once for each loaded file."
    )]
    public static partial void GeoDatabaseRecordBroken(ILogger logger, string path, Exception exception);
}
