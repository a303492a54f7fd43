using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Regions;

/// <summary>
/// Whether this region takes changes, as its database last said. A process that never looks, because its store is embedded, takes them. One writer; read from
/// any thread.
/// </summary>
internal sealed partial class WriteAccess(ILogger<WriteAccess> logger)
{
    private volatile ReadOnlyRegion? _readOnly;

    /// <summary>Why the region takes no changes; null if it does.</summary>
    public ReadOnlyRegion? ReadOnly => _readOnly;

    /// <summary>Whether the region takes no changes.</summary>
    public bool IsReadOnly => _readOnly is not null;

    /// <summary>Whether the region's database follows that of another region, so that no server of it is a primary.</summary>
    public bool IsStandby => _readOnly is { Reason: ReadOnlyReason.Standby };

    /// <summary>Notes what the database says.</summary>
    public void Note(ReadOnlyRegion? readOnly)
    {
        var before = _readOnly;
        _readOnly = readOnly;
        if (readOnly is null)
        {
            if (before is not null)
                Log.Writes(logger);
        }
        else if ((before?.Reason, before?.Writer, before?.Epoch) != (readOnly.Reason, readOnly.Writer, readOnly.Epoch))
        {
            if (readOnly.Reason == ReadOnlyReason.Standby)
                Log.Follows(logger, readOnly.Writer, readOnly.Epoch);
            else
                Log.IsFenced(logger, readOnly.Writer ?? "none", readOnly.Epoch);
        }
    }

    /// <summary>Refuses a write that cannot succeed, before anything is done for it.</summary>
    /// <exception cref="ReadOnlyRegionException">The region takes no changes.</exception>
    public void Demand()
    {
        if (_readOnly is { } readOnly)
            throw new ReadOnlyRegionException(readOnly);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "This region takes changes again")]
        public static partial void Writes(ILogger logger);

        [LoggerMessage(2, LogLevel.Information, "This region takes no changes: its database follows that of region {Region}, epoch {Epoch}")]
        public static partial void Follows(ILogger logger, string? region, long epoch);

        [LoggerMessage(3, LogLevel.Warning, "This region takes no changes: its database is fenced. Region known to take changes: {Region}, epoch {Epoch}")]
        public static partial void IsFenced(ILogger logger, string region, long epoch);
    }
}

/// <summary>A write was refused because the region takes no changes.</summary>
internal sealed class ReadOnlyRegionException(ReadOnlyRegion region) : DependencyException(region.Explain())
{
    /// <summary>Why.</summary>
    public ReadOnlyRegion Region => region;
}
