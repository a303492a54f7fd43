using Microsoft.Extensions.Primitives;

namespace UrlShortener.Runtime.Caching;

/// <summary>What a redirect needs to know of a code, with nothing left to compute.</summary>
internal sealed class CachedLink
{
    /// <summary>The code. Clicks refer to this instance, so that those waiting to be written keep nothing else of their requests alive.</summary>
    public required string ShortCode { get; init; }

    /// <summary>Whether there is an active link behind the code, and whether it may be followed.</summary>
    public required CachedLinkState State { get; init; }

    /// <summary>Value of the Location header: ASCII, escaped.</summary>
    public StringValues Location { get; init; }

    /// <summary>301, 302, 307 or 308.</summary>
    public int RedirectType { get; init; }

    /// <summary>Unix milliseconds from which on the link answers 410; <see cref="long.MaxValue"/>: never.</summary>
    public long ExpiresAt { get; init; } = long.MaxValue;

    /// <summary>Set by the cache: the code's version when the load began. Older than the current version: the entry is void.</summary>
    public required int Version { get; init; }
}

/// <summary>The states of a cached code. Expiry is not one: it comes with time.</summary>
internal enum CachedLinkState
{
    /// <summary>May be followed.</summary>
    Active,

    /// <summary>No such link, or switched off.</summary>
    NotFound,

    /// <summary>Its target is on the blocklist.</summary>
    Blocked,
}
