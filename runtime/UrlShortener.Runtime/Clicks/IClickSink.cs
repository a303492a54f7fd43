namespace UrlShortener.Runtime.Clicks;

/// <summary>The store of captured clicks.</summary>
internal interface IClickSink
{
    /// <summary>Whether it also stores clicks of a region that takes no changes.</summary>
    bool TakesClicksOfReadOnlyRegion => false;

    /// <summary>Stores clicks and brings the totals of their links up to date, all in one transaction.</summary>
    /// <param name="batch">Id of the batch. A batch that is sent again, because its outcome is unknown, is stored once.</param>
    /// <param name="clicks">The clicks.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task AppendAsync(Guid batch, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken);
}

/// <summary>A click as it is stored.</summary>
/// <param name="ShortCode">The link followed.</param>
/// <param name="At">When, UTC, whole milliseconds.</param>
/// <param name="Referrer">Origin and path of the page that led here, at most 512 characters; null: unknown.</param>
/// <param name="Source">Host of the referrer without <c>www.</c>; null: direct.</param>
/// <param name="UserAgent">At most 512 characters; null: none sent.</param>
/// <param name="IpHash">Salted hash of the address; none when the visitor asked not to be tracked.</param>
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
    AddressHash IpHash,
    string? Country,
    string? City,
    DeviceClass Device,
    bool IsBot
);
