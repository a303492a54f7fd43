namespace UrlShortener.ControllerRuntime.Events;

/// <summary>Lets some through at once, and then one per interval.</summary>
/// <param name="burst">How many at once.</param>
/// <param name="interval">Time in which one more may pass.</param>
/// <param name="now">Timestamp of the start.</param>
/// <param name="time">Clock.</param>
internal sealed class TokenBucket(int burst, TimeSpan interval, long now, TimeProvider time)
{
    private double _tokens = burst;
    private long _filledAt = now;

    /// <summary>Whether the bucket is as one that was never used.</summary>
    public bool IsFull(long at) => TokensAt(at) >= burst;

    /// <summary>Takes one through, if that is allowed.</summary>
    public bool TryTake(long at)
    {
        var tokens = TokensAt(at);
        if (tokens < 1)
            return false;
        _tokens = tokens - 1;
        _filledAt = at;
        return true;
    }

    private double TokensAt(long at) => Math.Min(burst, _tokens + (time.GetElapsedTime(_filledAt, at) / interval));
}
