using System.Net;

namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// A followed link as the redirect saw it. It refers to objects that the request already holds, so that a capture costs only the copy. Longer texts are cut
/// first (<see cref="HeaderText"/>), since a client may send as much as the server reads.
/// </summary>
/// <param name="ShortCode">The link followed.</param>
/// <param name="At">Unix milliseconds.</param>
/// <param name="Address">The visitor's address. Lives in memory only, until the batch is written.</param>
/// <param name="Referrer">Referer header.</param>
/// <param name="UserAgent">User-Agent header.</param>
/// <param name="ChMobile">Sec-CH-UA-Mobile header.</param>
/// <param name="ChPlatform">Sec-CH-UA-Platform header.</param>
/// <param name="Country">Country that a trusted proxy named.</param>
/// <param name="DoNotTrack">The visitor sent <c>DNT: 1</c> or <c>Sec-GPC: 1</c>.</param>
/// <param name="IsSpeculative">A browser or an app fetched the link ahead of a person, who may never see what it leads to.</param>
internal readonly record struct Click(
    string ShortCode,
    long At,
    IPAddress? Address,
    string? Referrer,
    string? UserAgent,
    string? ChMobile,
    string? ChPlatform,
    string? Country,
    bool DoNotTrack,
    bool IsSpeculative = false
)
{
    // The record in the queue, and an address with what it holds.
    private const int FixedBytes = 192;
    private const int StringBytes = 24;

    /// <summary>Approximate memory of the click while it waits, in bytes. Texts that several clicks share count for each; the code belongs to the
    /// cache.</summary>
    public int ApproximateBytes => FixedBytes + BytesOf(Referrer) + BytesOf(UserAgent) + BytesOf(ChMobile) + BytesOf(ChPlatform) + BytesOf(Country);

    private static int BytesOf(string? text) => text is null ? 0 : StringBytes + (text.Length * sizeof(char));
}
