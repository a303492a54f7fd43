using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using UrlShortener.Runtime.Http;

namespace UrlShortener.Runtime.Links;

/// <summary>Body of POST /api/v1/urls, and one item of a bulk request.</summary>
[Description("A link to create.")]
internal sealed record CreateLinkRequest
{
    [Description("Where the link leads: an absolute http or https URL.")]
    [Required]
    [MaxLength(2_048)]
    public string? OriginalUrl { get; init; }

    [Description("The short code to use; by default one is generated. Case-sensitive. A code is never used twice, not even after a deletion.")]
    [RegularExpression("^[A-Za-z0-9_-]{4,10}$")]
    public string? CustomAlias { get; init; }

    [Description("Days until the link expires; by default it never does. Give this or `expires_at`, not both.")]
    [Range(1, 3_650)]
    public int? ExpiresInDays { get; init; }

    [Description("When the link expires: an RFC 3339 time in the future, at most 3,650 days ahead; by default never.")]
    public DateTimeOffset? ExpiresAt { get; init; }

    [Description("A JSON object kept with the link, such as `campaign` and `source`. At most 4,096 bytes and 8 levels deep.")]
    public JsonElement? Metadata { get; init; }

    [Description("HTTP status of the redirect: 301, 302, 307 or 308; 302 by default.")]
    public int? RedirectType { get; init; }
}

/// <summary>Answer to POST /api/v1/urls.</summary>
[Description("The link that was created.")]
internal sealed record CreateLinkResponse(
    [property: Description("The short URL.")] string ShortUrl,
    [property: Description("Its code.")] string ShortCode,
    [property: Description("Where it leads.")] string OriginalUrl,
    [property: Description("When it was created.")] DateTimeOffset CreatedAt,
    [property: Description("When it expires; null: never.")] DateTimeOffset? ExpiresAt,
    [property: Description("HTTP status of the redirect.")] int RedirectType,
    [property: Description("A picture of the short URL.")] string QrCodeUrl,
    [property: Description("Warnings about the target.")]
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        IReadOnlyList<string>? Warnings
);

/// <summary>Body of PATCH /api/v1/urls/{short_code}.</summary>
[Description("What to change. Members that are left out or null keep their values.")]
internal sealed record UpdateLinkRequest
{
    [Description("New target: an absolute http or https URL.")]
    [MaxLength(2_048)]
    public string? OriginalUrl { get; init; }

    [Description("New expiry: an RFC 3339 time in the future, at most 3,650 days ahead.")]
    public DateTimeOffset? ExpiresAt { get; init; }

    [Description("True removes the expiry. Give this or `expires_at`, not both.")]
    public bool? NeverExpires { get; init; }

    [Description("False deactivates the link: it answers 404 until it is activated again.")]
    public bool? IsActive { get; init; }

    [Description("New HTTP status of the redirect: 301, 302, 307 or 308.")]
    public int? RedirectType { get; init; }

    [Description("New metadata, replacing all of the old.")]
    public JsonElement? Metadata { get; init; }
}

/// <summary>Answer to PATCH /api/v1/urls/{short_code}.</summary>
[Description("The link as it is now.")]
internal sealed record UpdateLinkResponse(
    [property: Description("Always `URL updated`.")] string Message,
    [property: Description("The link.")] LinkResponse Url
);

/// <summary>A link in lists and after changes.</summary>
[Description("A link.")]
internal record LinkResponse(
    [property: Description("Its code.")] string ShortCode,
    [property: Description("The short URL.")] string ShortUrl,
    [property: Description("Where it leads.")] string OriginalUrl,
    [property: Description("When it was created.")] DateTimeOffset CreatedAt,
    [property: Description("When it expires; null: never.")] DateTimeOffset? ExpiresAt,
    [property: Description("State of the link: `active` redirects to the target, `expired` answers 410, `inactive` was deactivated and answers 404.")]
        string Status,
    [property: Description("False: it was deactivated.")] bool IsActive,
    [property: Description("HTTP status of the redirect.")] int RedirectType,
    [property: Description("Metadata as it was sent, except for white space.")] RawJson Metadata,
    [property: Description("Clicks by people.")] long ClickCount,
    [property: Description("Time of the newest click by a person.")] DateTimeOffset? LastAccessedAt,
    [property: Description("A picture of the short URL.")] string QrCodeUrl
);

/// <summary>Answer to GET /api/v1/urls/{short_code}.</summary>
[Description("A link and its recent clicks.")]
internal sealed record LinkDetailResponse(
    string ShortCode,
    string ShortUrl,
    string OriginalUrl,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    string Status,
    bool IsActive,
    int RedirectType,
    RawJson Metadata,
    long ClickCount,
    DateTimeOffset? LastAccessedAt,
    string QrCodeUrl,
    [property: Description("Recent clicks; null: not available now.")] [property: JsonPropertyOrder(1)] RecentClicksResponse? Analytics
) : LinkResponse(ShortCode, ShortUrl, OriginalUrl, CreatedAt, ExpiresAt, Status, IsActive, RedirectType, Metadata, ClickCount, LastAccessedAt, QrCodeUrl);

/// <summary>Answer to GET /api/v1/urls.</summary>
[Description("A page of links.")]
internal sealed record LinkListResponse(
    [property: Description("The links: at most `limit`. Fewer, or none, if the search took too long for one answer; `next_cursor` goes on with it.")]
        IReadOnlyList<LinkResponse> Urls,
    [property: Description("Value of `cursor` for the next page; null: this was the last, and all links were searched.")] string? NextCursor
);

/// <summary>Body of POST /api/v1/urls/bulk.</summary>
[Description("Links to create in one request.")]
internal sealed record BulkRequest
{
    [Description("At most 1,000 links; 10,000 for enterprise users.")]
    [Required]
    public IReadOnlyList<CreateLinkRequest>? Urls { get; init; }
}

/// <summary>Answer to POST /api/v1/urls/bulk.</summary>
[Description("Result of each link, in the order of the request.")]
internal sealed record BulkResponse(
    [property: Description("One result per link.")] IReadOnlyList<BulkResult> Results,
    [property: Description("Links created.")] int Created,
    [property: Description("Links refused.")] int Failed
);

/// <summary>Result of one link of a bulk request.</summary>
[Description("Result of one link.")]
internal sealed record BulkResult(
    [property: Description("The target as it was sent.")] string? OriginalUrl,
    [property: Description("The short URL; null when refused.")] string? ShortUrl,
    [property: Description("Its code; null when refused.")] string? ShortCode,
    [property: Description("`created` or `failed`.")] string Status,
    [property: Description("The HTTP status that a request for this link alone would have got.")] int StatusCode,
    [property: Description("When it expires.")] DateTimeOffset? ExpiresAt,
    [property: Description("A picture of the short URL.")] string? QrCodeUrl,
    [property: Description("Why it was refused.")] [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Error,
    [property: Description("One of a closed list of codes.")] [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Code
);
