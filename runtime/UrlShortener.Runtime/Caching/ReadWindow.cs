namespace UrlShortener.Runtime.Caching;

/// <summary>How far back each read of the log of changes must look, so that none is missed.</summary>
/// <param name="held">How long the shared tier holds a link. The first read covers that time, since nobody may have applied its changes to the tier.</param>
/// <param name="time">The clock.</param>
internal sealed class ReadWindow(TimeSpan held, TimeProvider time)
{
    /// <summary>Overlap of reads: a change appears some time after its timestamp if its transaction was slow.</summary>
    public static readonly TimeSpan Overlap = TimeSpan.FromSeconds(10);

    private (long Stamp, DateTimeOffset Time) _covered = (time.GetTimestamp(), time.GetUtcNow());
    private bool _hasRead;

    /// <summary>A read that begins now.</summary>
    public LogRead Begin()
    {
        // Timestamps stop while a machine is suspended, and the wall clock may be set back: the longer of the two is safe.
        var stamps = time.GetElapsedTime(_covered.Stamp);
        var wall = time.GetUtcNow() - _covered.Time;
        var elapsed = stamps > wall ? stamps : wall;
        return new LogRead(elapsed + Overlap + (_hasRead ? TimeSpan.Zero : held), !_hasRead, time.GetTimestamp(), time.GetUtcNow());
    }

    /// <summary>Notes that a read got its answer; the next one goes on from where it began.</summary>
    /// <param name="read">The read.</param>
    /// <param name="behind">How far the server that answered was behind: it had no later change. The next read may be answered by another one.</param>
    public void Succeeded(LogRead read, TimeSpan behind = default)
    {
        // No tier holds a link that is older.
        var missing = behind < held ? behind : held;
        var covered = (Stamp: read.Stamp - (long)(missing.TotalSeconds * time.TimestampFrequency), Time: read.Time - missing);
        // A server that is further behind than the one before takes nothing away from what that one has shown.
        _covered = _hasRead && covered.Stamp < _covered.Stamp ? _covered : covered;
        _hasRead = true;
    }
}

/// <summary>One read of the log.</summary>
/// <param name="Age">How far back it looks.</param>
/// <param name="IsFirst">Whether none before it succeeded.</param>
/// <param name="Stamp">When it began, as a timestamp.</param>
/// <param name="Time">When it began, by the wall clock.</param>
internal readonly record struct LogRead(TimeSpan Age, bool IsFirst, long Stamp, DateTimeOffset Time);
