namespace UrlShortener.ControllerRuntime.Events;

/// <summary>Rate limit: allows a burst, then one per interval.</summary>
/// <param name="burst">Size of the burst.</param>
/// <param name="interval">Time until one more is allowed.</param>
/// <param name="now">Timestamp of the start.</param>
/// <param name="time">Clock.</param>
internal sealed class TokenBucket(int burst, TimeSpan interval, long now, TimeProvider time)
{
    private double _tokens = burst;
    private long _filledAt = now;

    /// <summary>Whether the bucket is full, like a new one.</summary>
    public bool IsFull(long at) => TokensAt(at) >= burst;

    /// <summary>Takes one token, if there is one.</summary>
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
