namespace UrlShortener.Runtime.Resilience;

/// <summary>
/// Passes one of many equal events per interval and counts the others. Used to log events that anyone can trigger as often as they like: while a store is
/// unavailable, a log line for each visitor would cost more than serving the visitor.
/// </summary>
internal sealed class Occasion(TimeProvider time, TimeSpan interval)
{
    private readonly long _interval = (long)(interval.TotalSeconds * time.TimestampFrequency);
    private long _next = long.MinValue;
    private long _since;

    /// <summary>Records an event.</summary>
    /// <param name="count">Events since the last one that passed, this one included.</param>
    /// <returns>Whether the event passes.</returns>
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
