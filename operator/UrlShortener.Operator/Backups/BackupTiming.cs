namespace UrlShortener.Operator.Backups;

/// <summary>Times of the controller of backups. Tests on real servers shorten them.</summary>
internal sealed record BackupTiming
{
    private static readonly TimeSpan LastRetry = TimeSpan.FromHours(1);

    /// <summary>How often a region is looked at without a change.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Delay before the first attempt after a failure. Each further one is twice as long, up to an hour.</summary>
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a segment of the write-ahead log may wait to be archived while the last attempt failed.</summary>
    public TimeSpan FailingLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How many times as fast as usual the time goes by for the schedule of rehearsals, which knows nothing shorter than a minute.</summary>
    public int RehearsalSpeed { get; init; } = 1;

    /// <summary>Delay before the next attempt after a number of failures.</summary>
    /// <param name="failures">The number.</param>
    public TimeSpan DelayAfter(int failures) =>
        failures <= 0 ? TimeSpan.Zero : TimeSpan.FromTicks(Math.Min(LastRetry.Ticks, FirstRetry.Ticks << Math.Min(failures - 1, 10)));
}
