using UrlShortener.Runtime.Clicks;

namespace UrlShortener.Runtime.Statistics;

/// <summary>The source of the statistics of links.</summary>
internal interface IStatisticsSource
{
    /// <summary>All counts of one code, from <paramref name="from"/> to before <paramref name="to"/>.</summary>
    /// <param name="shortCode">The code.</param>
    /// <param name="from">Start.</param>
    /// <param name="to">End, not included.</param>
    /// <param name="caller">The user who asks; queries of one user do not delay those of others.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="Resilience.QueryLimitException">The query exceeded its time limit.</exception>
    /// <exception cref="StatisticsUnavailableException">The server of statistics, which is not the store, does not work.</exception>
    Task<ClickTotals> ReadTotalsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long caller, CancellationToken cancellationToken);

    /// <summary>The same without distinct visitors, which cost most to count. The number of visitors in the result has no meaning.</summary>
    /// <exception cref="Resilience.QueryLimitException">The query exceeded its time limit.</exception>
    /// <exception cref="StatisticsUnavailableException">The server of statistics, which is not the store, does not work.</exception>
    Task<ClickTotals> ReadCountsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long caller, CancellationToken cancellationToken);
}

/// <summary>Counts of one code over a range. People only, but for <paramref name="Bots"/>.</summary>
/// <param name="Clicks">Clicks by people.</param>
/// <param name="Visitors">Distinct address hashes; one person is counted again each UTC day, since the salt changes.</param>
/// <param name="Bots">Clicks by machines.</param>
/// <param name="Quarters">Clicks per quarter of an hour, by Unix time divided by 900 s, ascending, empty ones left out: every time zone's hours start on
/// one.</param>
/// <param name="Countries">Clicks per country, most first; null: unknown.</param>
/// <param name="Sources">Clicks per source, most first; null: direct; <see cref="ClickSources.Others"/>: sources of a day beyond
/// <see cref="ClickSources.MaxPerDay"/>.</param>
/// <param name="Devices">Clicks per class of device.</param>
internal sealed record ClickTotals(
    long Clicks,
    long Visitors,
    long Bots,
    IReadOnlyList<KeyValuePair<long, long>> Quarters,
    IReadOnlyList<KeyValuePair<string?, long>> Countries,
    IReadOnlyList<KeyValuePair<string?, long>> Sources,
    IReadOnlyList<KeyValuePair<DeviceClass, long>> Devices
);
