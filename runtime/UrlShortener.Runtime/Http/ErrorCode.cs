namespace UrlShortener.Runtime.Http;

/// <summary>The closed list of values of <c>code</c> in an error. Documented in docs/errors.md; a new value is an addition to the API.</summary>
internal static class ErrorCode
{
    /// <summary>400: the request cannot be read, or a field is out of its range.</summary>
    public const string InvalidRequest = "INVALID_REQUEST";

    /// <summary>400: the target is not allowed for a link.</summary>
    public const string InvalidUrl = "INVALID_URL";

    /// <summary>400: the alias has a wrong form or is reserved.</summary>
    public const string InvalidAlias = "INVALID_ALIAS";

    /// <summary>400 at creation, 451 when followed: the target is on the blocklist.</summary>
    public const string UrlBlocked = "URL_BLOCKED";

    /// <summary>401: the credential is missing or not valid.</summary>
    public const string Unauthorized = "UNAUTHORIZED";

    /// <summary>403: the link belongs to somebody else.</summary>
    public const string Forbidden = "FORBIDDEN";

    /// <summary>403: the user would store more bytes than their quota.</summary>
    public const string QuotaExceeded = "QUOTA_EXCEEDED";

    /// <summary>404: there is no such link.</summary>
    public const string UrlNotFound = "URL_NOT_FOUND";

    /// <summary>404: there is no such path.</summary>
    public const string NotFound = "NOT_FOUND";

    /// <summary>405: the path does not take this method.</summary>
    public const string MethodNotAllowed = "METHOD_NOT_ALLOWED";

    /// <summary>408: the body arrived too slowly.</summary>
    public const string RequestTimeout = "REQUEST_TIMEOUT";

    /// <summary>409: the alias is taken or was used before.</summary>
    public const string AliasExists = "ALIAS_EXISTS";

    /// <summary>409: a newer epoch of keys is in force.</summary>
    public const string EpochClosed = "EPOCH_CLOSED";

    /// <summary>410: the link has expired.</summary>
    public const string UrlExpired = "URL_EXPIRED";

    /// <summary>413: the body is too large.</summary>
    public const string PayloadTooLarge = "PAYLOAD_TOO_LARGE";

    /// <summary>415: the body is not JSON.</summary>
    public const string UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE";

    /// <summary>421: the request names a host that is not known as one of this service.</summary>
    public const string UnknownHost = "UNKNOWN_HOST";

    /// <summary>422: the idempotency key belongs to another request.</summary>
    public const string IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED";

    /// <summary>429: too many requests.</summary>
    public const string RateLimitExceeded = "RATE_LIMIT_EXCEEDED";

    /// <summary>500: a fault of this service.</summary>
    public const string InternalError = "INTERNAL_ERROR";

    /// <summary>503: this region takes no changes.</summary>
    public const string ReadOnlyRegion = "READ_ONLY_REGION";

    /// <summary>503: the store does not answer.</summary>
    public const string Unavailable = "UNAVAILABLE";
}
