namespace UrlShortener.Runtime.Clicks.Spool;

/// <summary>The log events of the spool.</summary>
internal static partial class SpoolLog
{
    [LoggerMessage(
        EventName = "SpoolWriteFailed",
        Level = LogLevel.Error,
        Message = "The spool {Folder} cannot be written. Click events are sent from memory, as far as they have room there."
    )]
    public static partial void WriteFailed(ILogger logger, string folder, Exception error);

    [LoggerMessage(EventName = "SpoolWritten", Level = LogLevel.Information, Message = "The spool {Folder} can be written again.")]
    public static partial void WrittenAgain(ILogger logger, string folder);

    [LoggerMessage(EventName = "SpoolLost", Level = LogLevel.Error, Message = "Lost {Count} click events: the spool {Folder} cannot be written.")]
    public static partial void Lost(ILogger logger, int count, string folder);

    [LoggerMessage(
        EventName = "SpoolSealFailed",
        Level = LogLevel.Warning,
        Message = "The spool file {Path} could not be sealed. Nothing is lost; the next start takes longer."
    )]
    public static partial void SealFailed(ILogger logger, string path, Exception error);

    [LoggerMessage(
        EventName = "SpoolReleaseFailed",
        Level = LogLevel.Warning,
        Message = "Cannot write to the spool {Folder} which events are delivered. After a restart they are sent again."
    )]
    public static partial void ReleaseFailed(ILogger logger, string folder, Exception error);

    [LoggerMessage(EventName = "SpoolDeleteFailed", Level = LogLevel.Warning, Message = "Cannot remove the spool file {Path}. Its events are delivered.")]
    public static partial void DeleteFailed(ILogger logger, string path, Exception error);

    [LoggerMessage(
        EventName = "SpoolSegmentUnusable",
        Level = LogLevel.Error,
        Message = "The spool file {Path} cannot be read. It stays where it is; its events are sent after a restart that can read it."
    )]
    public static partial void SegmentUnusable(ILogger logger, string path, Exception error);

    [LoggerMessage(EventName = "SpoolDamaged", Level = LogLevel.Error, Message = "Lost {Count} click events: the spool file {Path} is damaged.")]
    public static partial void Damaged(ILogger logger, int count, string path);
}
