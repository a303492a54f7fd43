namespace UrlShortener.Runtime.Links;

/// <summary>A short code and where it leads, as stored.</summary>
/// <param name="ShortCode">See <see cref="Codes.ShortCode"/>.</param>
/// <param name="OriginalUrl">The target as its creator gave it, accepted by the target policy.</param>
/// <param name="UserId">Its owner; null when it was created anonymously and nobody may change it.</param>
/// <param name="CreatedAt">UTC, whole milliseconds.</param>
/// <param name="ExpiresAt">From this moment on the link answers 410; null: never.</param>
/// <param name="ClickCount">Clicks by people, brought up to date in batches.</param>
/// <param name="LastAccessedAt">Time of the newest click by a person; null: none yet.</param>
/// <param name="IsActive">False: visitors get 404, and the owner can activate the link again.</param>
/// <param name="RedirectType">301, 302, 307 or 308.</param>
/// <param name="Metadata">See <see cref="LinkMetadata"/>.</param>
internal sealed record Link(
    string ShortCode,
    string OriginalUrl,
    long? UserId,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    long ClickCount,
    DateTimeOffset? LastAccessedAt,
    bool IsActive,
    int RedirectType,
    string Metadata
)
{
    /// <summary>Whether the link has expired at a given time.</summary>
    public bool IsExpired(DateTimeOffset now) => ExpiresAt <= now;

    /// <summary>Status of the link for visitors at a given time.</summary>
    public LinkStatus StatusAt(DateTimeOffset now) =>
        !IsActive ? LinkStatus.Inactive
        : IsExpired(now) ? LinkStatus.Expired
        : LinkStatus.Active;
}
