using System.Collections.Concurrent;
using System.Diagnostics;

namespace UrlShortener.Runtime.Storage;

/// <summary>
/// How the last write of each kind ended. A health check's own write is small, and may find room where others do not; nor does a write of one kind that
/// succeeds say anything about those of another kind that fail. Safe from any thread.
/// </summary>
internal sealed class LastWrite
{
    // When nobody writes any more, the health check's own write is all that is known.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, long> _failedAt = new(StringComparer.Ordinal);

    /// <summary>Whether the last one of some kind failed, not long ago.</summary>
    public bool HasFailed => _failedAt.Any(failure => Stopwatch.GetElapsedTime(failure.Value) < Lifetime);

    /// <summary>One failed for a reason that the next one would meet too.</summary>
    public void NoteFailure(string kind) => _failedAt[kind] = Stopwatch.GetTimestamp();

    /// <summary>One succeeded.</summary>
    public void NoteSuccess(string kind) => _failedAt.TryRemove(kind, out _);
}
