namespace UrlShortener.Runtime.Users;

/// <summary>An account that owns links.</summary>
/// <param name="Id">Assigned by the store.</param>
/// <param name="Email">Unique, lower case.</param>
/// <param name="Tier">Sets the bulk limit, and the rate limit at creation.</param>
/// <param name="RateLimit">API requests per minute.</param>
/// <param name="UrlsCreated">Total number of links created, updated in batches.</param>
/// <param name="CreatedAt">UTC.</param>
/// <param name="LastActiveAt">Time of the latest API request, accurate to about a minute; null: none yet.</param>
/// <param name="HasKey">False when the key was revoked.</param>
internal sealed record User(
    long Id,
    string Email,
    Tier Tier,
    int RateLimit,
    long UrlsCreated,
    DateTimeOffset CreatedAt,
    DateTimeOffset? LastActiveAt,
    bool HasKey
)
{
    /// <summary>How much the user stores, and how much they may store.</summary>
    public StorageUsage Storage { get; init; }
}

/// <summary>How much a user stores, and how much they may store.</summary>
/// <param name="Bytes">Bytes of their links and of answers kept for retries, see <see cref="Links.StoredSize"/>.</param>
/// <param name="Quota">The user's own quota in bytes; null: the tier's quota applies.</param>
internal readonly record struct StorageUsage(long Bytes, long? Quota);

/// <summary>Sets the limits of a user.</summary>
internal enum Tier
{
    /// <summary>100 requests a minute.</summary>
    Free,

    /// <summary>1,000 requests a minute.</summary>
    Pro,

    /// <summary>10,000 requests a minute and larger bulk requests.</summary>
    Enterprise,
}
