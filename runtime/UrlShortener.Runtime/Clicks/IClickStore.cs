namespace UrlShortener.Runtime.Clicks;

/// <summary>Clicks as stored, and the questions asked of them.</summary>
internal interface IClickStore
{
    /// <summary>Stores clicks and brings the totals of their links up to date, all in one transaction.</summary>
    /// <param name="batch">Names the clicks when they come again because nobody knows whether they were stored; then they are stored once.</param>
    /// <param name="clicks">The clicks.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task AppendAsync(Guid batch, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken);

    /// <summary>Everything the statistics of one code are made of, from <paramref name="from"/> to before <paramref name="to"/>.</summary>
    /// <param name="shortCode">The code.</param>
    /// <param name="from">Start.</param>
    /// <param name="to">End, not included.</param>
    /// <param name="caller">The user who asks: one user's questions do not hold up those of others.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="Resilience.QueryLimitException">It took longer than one such question may.</exception>
    Task<ClickTotals> ReadTotalsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long caller, CancellationToken cancellationToken);

    /// <summary>The same without visitors, which cost most; their number is not the right one.</summary>
    /// <exception cref="Resilience.QueryLimitException">It took longer than one such question may.</exception>
    Task<ClickTotals> ReadCountsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long caller, CancellationToken cancellationToken);

    /// <summary>
    /// Sums up some of what was clicked on UTC days before <paramref name="before"/>, so that statistics need not read single clicks of these days; returns how
    /// many links were, 0 when nothing is left to do. Statistics are right before, too.
    /// </summary>
    Task<int> SumUpAsync(DateOnly before, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes what visitors of deleted links left behind, clicks and sums, about <paramref name="limit"/> stored records of them; returns how many, 0 when nothing is
    /// due. Clicks that arrive later become due again.
    /// </summary>
    Task<int> DeleteOfDeletedLinksAsync(int limit, CancellationToken cancellationToken);

    /// <summary>The salt of one UTC day, made at the first call for it.</summary>
    Task<byte[]> GetSaltAsync(DateOnly day, CancellationToken cancellationToken);

    /// <summary>Deletes salts of days before <paramref name="day"/>, after which their hashes can no longer be tied to an address.</summary>
    Task DeleteSaltsBeforeAsync(DateOnly day, CancellationToken cancellationToken);

    /// <summary>Deletes clicks older than a moment, at most <paramref name="limit"/> stored records of them; returns how many. A store may keep a record a little longer than that.</summary>
    Task<int> DeleteBeforeAsync(DateTimeOffset moment, int limit, CancellationToken cancellationToken);
}

/// <summary>A click with all that is kept of it.</summary>
/// <param name="ShortCode">The link followed.</param>
/// <param name="At">When, UTC, whole milliseconds.</param>
/// <param name="Referrer">Origin and path of the page that led here, at most 512 characters; null: unknown.</param>
/// <param name="Source">Host of the referrer without <c>www.</c>; null: direct.</param>
/// <param name="UserAgent">At most 512 characters; null: none sent.</param>
/// <param name="IpHash">Salted hash of the address, 64 hex digits; empty when the visitor asked not to be tracked.</param>
/// <param name="Country">ISO 3166-1 alpha-2; null: unknown.</param>
/// <param name="City">At most 100 characters; null: unknown or not to be kept.</param>
/// <param name="Device">Class of device.</param>
/// <param name="IsBot">Whether a machine followed the link.</param>
internal readonly record struct StoredClick(
    string ShortCode,
    DateTimeOffset At,
    string? Referrer,
    string? Source,
    string? UserAgent,
    string IpHash,
    string? Country,
    string? City,
    DeviceClass Device,
    bool IsBot);

/// <summary>Counts of one code over a range. People only, but for <paramref name="Bots"/>.</summary>
/// <param name="Clicks">Clicks by people.</param>
/// <param name="Visitors">Distinct address hashes; one person is counted again each UTC day, since the salt changes.</param>
/// <param name="Bots">Clicks by machines.</param>
/// <param name="Quarters">Clicks per quarter of an hour, by Unix time divided by 900 s, ascending, empty ones left out: every time zone's hours start on one.</param>
/// <param name="Countries">Clicks per country, most first; null: unknown.</param>
/// <param name="Sources">Clicks per source, most first; null: direct; <see cref="ClickSources.Others"/>: sources of a day beyond <see cref="ClickSources.MaxPerDay"/>.</param>
/// <param name="Devices">Clicks per class of device.</param>
internal sealed record ClickTotals(
    long Clicks,
    long Visitors,
    long Bots,
    IReadOnlyList<KeyValuePair<long, long>> Quarters,
    IReadOnlyList<KeyValuePair<string?, long>> Countries,
    IReadOnlyList<KeyValuePair<string?, long>> Sources,
    IReadOnlyList<KeyValuePair<DeviceClass, long>> Devices);
