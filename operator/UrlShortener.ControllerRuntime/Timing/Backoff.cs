namespace UrlShortener.ControllerRuntime.Timing;

/// <summary>Exponential backoff: the delay doubles after each failure, up to a limit.</summary>
/// <param name="Least">Delay after the first failure.</param>
/// <param name="Most">Maximum delay.</param>
public readonly record struct Backoff(TimeSpan Least, TimeSpan Most)
{
    private const int MaxDoublings = 40;

    /// <summary>For keys of a queue.</summary>
    public static readonly Backoff Reconcile = new(TimeSpan.FromMilliseconds(5), TimeSpan.FromSeconds(60));

    /// <summary>For connections to an API server.</summary>
    public static readonly Backoff Reconnect = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(30));

    /// <summary>The delay after a number of consecutive failures, 1 or more.</summary>
    public TimeSpan After(int failures)
    {
        var seconds = Least.TotalSeconds * Math.Pow(2, Math.Clamp(failures - 1, 0, MaxDoublings));
        return seconds < Most.TotalSeconds ? TimeSpan.FromSeconds(seconds) : Most;
    }

    /// <summary>Like <see cref="After"/>, randomized over the upper half, so that clients that lost a server do not return at the same time.</summary>
    public TimeSpan SpreadAfter(int failures) => Jitter.Between(After(failures) / 2, After(failures));
}
