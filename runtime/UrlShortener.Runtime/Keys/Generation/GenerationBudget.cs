namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>
/// Limits how many codes are generated per second. A batch may start when the time that the previous one paid for has passed. Idle time does not accumulate
/// for a burst. Safe from any thread.
/// </summary>
/// <param name="keysPerSecond">The limit.</param>
/// <param name="time">The clock.</param>
internal sealed class GenerationBudget(int keysPerSecond, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly long _origin = time.GetTimestamp();

    // When the next batch may start, counted from the origin.
    private TimeSpan _next = TimeSpan.Zero;

    /// <summary>Takes the budget for a batch, or returns how long to wait before asking again.</summary>
    /// <param name="count">Codes in the batch.</param>
    /// <param name="wait">Zero when the batch may start.</param>
    public bool TryTake(int count, out TimeSpan wait)
    {
        lock (_lock)
        {
            var now = time.GetElapsedTime(_origin);
            wait = now < _next ? _next - now : TimeSpan.Zero;
            if (wait > TimeSpan.Zero)
                return false;
            _next = now + TimeSpan.FromSeconds((double)count / keysPerSecond);
            return true;
        }
    }
}
