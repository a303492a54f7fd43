using System.Diagnostics;

namespace UrlShortener.Runtime.Storage;

/// <summary>How the last write that somebody asked for ended. A health check's own write is small, and may find room where theirs do not. Safe from any thread.</summary>
internal sealed class LastWrite
{
    // When nobody writes any more, the health check's own write is all that is known.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    private long _failedAt;

    /// <summary>Whether it failed, not long ago, for a reason that the next one would meet too.</summary>
    public bool HasFailed => Volatile.Read(ref _failedAt) is var at and not 0 && Stopwatch.GetElapsedTime(at) < Lifetime;

    /// <summary>Notes what became of one.</summary>
    public void Note(bool isFailure) => Volatile.Write(ref _failedAt, isFailure ? Stopwatch.GetTimestamp() : 0);
}
