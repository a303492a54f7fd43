namespace UrlShortener.Runtime.Statistics;

/// <summary>Counts clicks by people of the last two hours, by whole minutes.</summary>
internal interface IRecentCounts
{
    /// <summary>Most codes of one question.</summary>
    int MaxCodes { get; }

    /// <summary>Counts of several codes. A code without clicks may be left out.</summary>
    /// <exception cref="Resilience.QueryLimitException">The query exceeded its time limit.</exception>
    /// <exception cref="StatisticsUnavailableException">The server of statistics, which is not the store, does not work.</exception>
    Task<IReadOnlyDictionary<string, HourCounts>> ReadHoursAsync(
        IReadOnlyList<string> codes,
        RecentHours hours,
        long caller,
        CancellationToken cancellationToken
    );

    /// <summary>Clicks of one code in each minute of the last hour, from the results of the Flink job; null: they are not there, or late.</summary>
    /// <exception cref="Resilience.QueryLimitException">The query exceeded its time limit.</exception>
    /// <exception cref="StatisticsUnavailableException">The server of statistics, which is not the store, does not work.</exception>
    Task<IReadOnlyDictionary<DateTimeOffset, long>?> ReadMinutesAsync(string code, RecentHours hours, long caller, CancellationToken cancellationToken);
}

/// <summary>Clicks by people.</summary>
/// <param name="Last">In the last hour.</param>
/// <param name="Before">In the hour before.</param>
internal readonly record struct HourCounts(long Last, long Before);

/// <summary>The last hour and the one before. The last hour ends with the minute that goes on.</summary>
/// <param name="Now">The time.</param>
internal readonly record struct RecentHours(DateTimeOffset Now)
{
    /// <summary>End of the last hour, not included.</summary>
    public DateTimeOffset End => Start(Now).AddMinutes(1);

    /// <summary>Start of the last hour.</summary>
    public DateTimeOffset Middle => End.AddHours(-1);

    /// <summary>Start of the hour before.</summary>
    public DateTimeOffset Begin => End.AddHours(-2);

    private static DateTimeOffset Start(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero);
}

/// <summary>Finds links that were followed lately.</summary>
internal interface IFollowedLinks
{
    /// <summary>
    /// Codes of a user's links that were followed since a moment, those that were followed last first. If there are more than the limit, those of the latest
    /// minutes; of links that were followed last in the same minute, any.
    /// </summary>
    /// <exception cref="Resilience.QueryLimitException">The query exceeded its time limit.</exception>
    Task<IReadOnlyList<string>> FindFollowedAsync(long userId, DateTimeOffset since, int limit, CancellationToken cancellationToken);
}
