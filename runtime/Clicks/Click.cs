using System.Net;

namespace UrlShortener.Runtime.Clicks;

/// <summary>A followed link as the redirect saw it: references to what the request already holds, so that capturing costs nothing but the copy.</summary>
/// <param name="ShortCode">The link followed.</param>
/// <param name="At">Unix milliseconds.</param>
/// <param name="Address">The visitor's address. Lives in memory only, until the batch is written.</param>
/// <param name="Referrer">Referer header.</param>
/// <param name="UserAgent">User-Agent header.</param>
/// <param name="ChMobile">Sec-CH-UA-Mobile header.</param>
/// <param name="ChPlatform">Sec-CH-UA-Platform header.</param>
/// <param name="Country">Country that a trusted proxy named.</param>
/// <param name="DoNotTrack">The visitor sent <c>DNT: 1</c> or <c>Sec-GPC: 1</c>.</param>
internal readonly record struct Click(
    string ShortCode,
    long At,
    IPAddress? Address,
    string? Referrer,
    string? UserAgent,
    string? ChMobile,
    string? ChPlatform,
    string? Country,
    bool DoNotTrack);
