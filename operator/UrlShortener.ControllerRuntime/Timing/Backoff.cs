namespace UrlShortener.ControllerRuntime.Timing;

/// <summary>How long to wait after failures: twice as long after each, up to a limit.</summary>
/// <param name="Least">Wait after the first failure.</param>
/// <param name="Most">Longest wait.</param>
public readonly record struct Backoff(TimeSpan Least, TimeSpan Most)
{
    private const int MaxDoublings = 40;

    /// <summary>For keys of a queue.</summary>
    public static readonly Backoff Reconcile = new(TimeSpan.FromMilliseconds(5), TimeSpan.FromSeconds(60));

    /// <summary>For connections to an API server.</summary>
    public static readonly Backoff Reconnect = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(30));

    /// <summary>The wait after so many failures in a row, 1 or more.</summary>
    public TimeSpan After(int failures)
    {
        var seconds = Least.TotalSeconds * Math.Pow(2, Math.Clamp(failures - 1, 0, MaxDoublings));
        return seconds < Most.TotalSeconds ? TimeSpan.FromSeconds(seconds) : Most;
    }

    /// <summary>As <see cref="After"/>, spread over the upper half, so that clients that lost a server do not return in step.</summary>
    public TimeSpan SpreadAfter(int failures) => Jitter.Between(After(failures) / 2, After(failures));
}
