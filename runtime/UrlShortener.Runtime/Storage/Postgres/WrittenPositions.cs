namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// When the primary was first seen past which position of its log. From a replica's position it follows how long the replica has been behind: without a write
/// for the purpose, without clocks of servers, and right on an idle primary, where the time of the last replayed change says nothing.
/// </summary>
internal sealed class WrittenPositions
{
    // An hour at four a second. A replica that is further behind counts as an hour behind.
    private const int Capacity = 4 * 3_600;

    private readonly Lock _lock = new();

    // Both columns rise. Guarded by the lock, like the fields below.
    private readonly List<(TimeSpan At, long Position)> _samples = [];
    private TimeSpan _seenAt;
    private int _timeline;

    /// <summary>Takes a position of the primary.</summary>
    /// <param name="timeline">Counts promotions.</param>
    /// <param name="position">Bytes written since the log began.</param>
    /// <param name="at">When it was read, on any clock that only rises.</param>
    public void Note(int timeline, long position, TimeSpan at)
    {
        lock (_lock)
        {
            // A server that was replaced and does not know it yet.
            if (timeline < _timeline)
                return;
            // Positions of the former primary may lie beyond the point at which its successor took over.
            if (timeline > _timeline)
                _samples.Clear();
            _timeline = timeline;
            _seenAt = at;
            if (_samples.Count > 0 && position <= _samples[^1].Position)
                return;
            if (_samples.Count == Capacity)
                _samples.RemoveAt(0);
            _samples.Add((at, position));
        }
    }

    /// <summary>How long the primary has been past a position.</summary>
    /// <param name="position">Bytes that the replica has replayed.</param>
    /// <param name="at">When that was read, on the same clock.</param>
    /// <param name="patience">The primary must have been seen within this time; what it wrote since is not known.</param>
    /// <returns>The lag; null: not known.</returns>
    public TimeSpan? LagOf(long position, TimeSpan at, TimeSpan patience)
    {
        lock (_lock)
        {
            if (_samples.Count == 0 || at - _seenAt > patience)
                return null;
            var first = _samples.FindIndex(sample => sample.Position > position);
            return first < 0 || _samples[first].At >= at ? TimeSpan.Zero : at - _samples[first].At;
        }
    }
}
