namespace UrlShortener.Runtime.Resilience;

/// <summary>
/// Lets one of many equal events pass in an interval and counts the others. What anybody can cause as often as they like is logged so: while a store is
/// away, a line for each visitor costs more than the visitor.
/// </summary>
internal sealed class Occasion(TimeProvider time, TimeSpan interval)
{
    private readonly long _interval = (long)(interval.TotalSeconds * time.TimestampFrequency);
    private long _next = long.MinValue;
    private long _since;

    /// <summary>Takes note of an event.</summary>
    /// <param name="count">Events since the last one that passed, this one included.</param>
    /// <returns>Whether it passes.</returns>
    public bool TryPass(out long count)
    {
        count = Interlocked.Increment(ref _since);
        var now = time.GetTimestamp();
        var next = Volatile.Read(ref _next);
        if (now < next || Interlocked.CompareExchange(ref _next, now + _interval, next) != next)
            return false;
        count = Interlocked.Exchange(ref _since, 0);
        return true;
    }
}
