using System.Net;

namespace UrlShortener.Runtime.Http;

/// <summary>The page that <c>type</c> of every error points to.</summary>
internal static class ErrorPage
{
    /// <summary>Its address.</summary>
    public const string Path = "/errors";

    /// <summary>One line per code, as in docs/errors.md.</summary>
    internal static readonly (string Code, string Status, string Meaning)[] Entries =
    [
        (
            ErrorCode.InvalidRequest,
            "400",
            "The body cannot be read, or a field or query parameter is unknown or out of its range. The member errors names each of them."
        ),
        (ErrorCode.InvalidUrl, "400", "The target is not one that a link may have."),
        (ErrorCode.InvalidAlias, "400", "The alias has the wrong form or is reserved."),
        (ErrorCode.UrlBlocked, "400, 451", "The target is on the blocklist: 400 at creation, 451 when followed."),
        (ErrorCode.Unauthorized, "401", "The credential is missing where one is needed, or not valid."),
        (ErrorCode.Forbidden, "403", "The link belongs to somebody else, or to nobody."),
        (
            ErrorCode.QuotaExceeded,
            "403",
            "The request would take you over your quota of stored bytes. Delete links, or ask the operator of this service for a larger quota."
        ),
        (ErrorCode.UrlNotFound, "404", "There is no such link, or it was deactivated."),
        (ErrorCode.NotFound, "404", "There is no such address."),
        (ErrorCode.MethodNotAllowed, "405", "The address does not accept this method; the header Allow lists the methods that it accepts."),
        (ErrorCode.RequestTimeout, "408", "The body did not arrive in time, or came too slowly."),
        (ErrorCode.AliasExists, "409", "The alias is taken, or was used by a link since deleted."),
        (ErrorCode.EpochClosed, "409", "A newer epoch of keys is in force. Only the key generation service answers so."),
        (ErrorCode.UrlExpired, "410", "The link has expired."),
        (ErrorCode.PayloadTooLarge, "413", "The body is over the limit of its address."),
        (ErrorCode.UnsupportedMediaType, "415", "The body is not JSON."),
        (ErrorCode.UnknownHost, "421", "The request names a host, or through a proxy a scheme, that is not known to belong to this service."),
        (ErrorCode.IdempotencyKeyReused, "422", "The idempotency key was used for another request within 24 hours."),
        (ErrorCode.RateLimitExceeded, "429", "Too many requests. Wait as many seconds as Retry-After says."),
        (ErrorCode.InternalError, "500", "A fault of the service. It was logged."),
        (
            ErrorCode.ReadOnlyRegion,
            "503",
            "This region takes no changes at the moment. Nothing was changed. The error says which region does, if one is known."
        ),
        (ErrorCode.Unavailable, "503", "The store does not answer. Try again in a moment."),
    ];

    private static readonly byte[] Page = PublicPages.Page(
        "Errors",
        string.Concat(
            Entries.Select(entry => $"<dt id=\"{entry.Code}\"><code>{entry.Code}</code> ({entry.Status})</dt><dd>{WebUtility.HtmlEncode(entry.Meaning)}</dd>\n")
        ),
        "dl"
    );

    /// <summary>Every code, ordered by status.</summary>
    public static IEnumerable<string> Codes => Entries.Select(entry => entry.Code);

    /// <summary>GET /errors</summary>
    public static Task WriteAsync(HttpContext context) => PublicPages.WritePageAsync(context, StatusCodes.Status200OK, Page);
}
