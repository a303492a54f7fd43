using UrlShortener.Runtime.Clicks;

namespace UrlShortener.Runtime.Statistics;

/// <summary>The single clicks of links, where they are kept as long as <c>Clicks:RetentionDays</c> says.</summary>
internal interface ISingleClicks
{
    /// <summary>Clicks of one code, bots included, from <paramref name="from"/> to before <paramref name="to"/>; counts no further than the limit.</summary>
    /// <param name="shortCode">The code.</param>
    /// <param name="from">Start.</param>
    /// <param name="to">End, not included; after the start.</param>
    /// <param name="limit">Most that is counted.</param>
    /// <param name="caller">The user who asks; queries of one user do not delay those of others.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="Resilience.QueryLimitException">The query exceeded its time limit.</exception>
    /// <exception cref="StatisticsUnavailableException">The server of statistics, which is not the store, does not work.</exception>
    Task<long> CountAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long limit, long caller, CancellationToken cancellationToken);

    /// <summary>
    /// The clicks of the same range in pages, by time as far as they were stored in that order. Each page is a query with the limits of one: between two pages
    /// nothing is held, so that a client that reads slowly costs the store nothing. A click that is stored or deleted meanwhile may be in or not.
    /// </summary>
    /// <exception cref="Resilience.QueryLimitException">A query exceeded its time limit.</exception>
    /// <exception cref="StatisticsUnavailableException">The server of statistics, which is not the store, does not work.</exception>
    IAsyncEnumerable<IReadOnlyList<SingleClick>> ReadAsync(
        string shortCode,
        DateTimeOffset from,
        DateTimeOffset to,
        long caller,
        CancellationToken cancellationToken
    );
}

/// <summary>What statistics know of one click: nothing here says who it was.</summary>
/// <param name="At">When, UTC.</param>
/// <param name="IsBot">Whether a machine followed the link.</param>
/// <param name="Device">Class of device.</param>
/// <param name="Country">ISO 3166-1 alpha-2; null: unknown.</param>
/// <param name="Source">Host of the referrer, at most 255 characters; null: direct.</param>
internal readonly record struct SingleClick(DateTimeOffset At, bool IsBot, DeviceClass Device, string? Country, string? Source);
