using System.Collections.Concurrent;
using System.Diagnostics;

namespace UrlShortener.Runtime.Storage;

/// <summary>
/// Remembers how the last write of each kind ended. The health check's own write is not enough: it is small and may find space where others do not. And a
/// successful write of one kind says nothing about failing writes of another kind. Safe from any thread.
/// </summary>
internal sealed class LastWrite
{
    // Without recent writes, the health check's own write is the only evidence.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, long> _failedAt = new(StringComparer.Ordinal);

    /// <summary>Whether the last write of any kind failed recently.</summary>
    public bool HasFailed => _failedAt.Any(failure => Stopwatch.GetElapsedTime(failure.Value) < Lifetime);

    /// <summary>Records that a write failed for a reason that would also affect the next one.</summary>
    public void NoteFailure(string kind) => _failedAt[kind] = Stopwatch.GetTimestamp();

    /// <summary>Records that a write succeeded.</summary>
    public void NoteSuccess(string kind) => _failedAt.TryRemove(kind, out _);
}
