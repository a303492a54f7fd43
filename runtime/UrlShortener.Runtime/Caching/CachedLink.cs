using Microsoft.Extensions.Primitives;
using UrlShortener.Runtime.Abuse;

namespace UrlShortener.Runtime.Caching;

/// <summary>What a redirect needs to know of a code, with nothing left to compute. Immutable except for the verdict of the blocklist, for
/// becoming void and for its origin.</summary>
internal sealed class CachedLink
{
    // The lists that the link was last checked against. Each says by itself what is true of it, so that threads that have two lists while one replaces the other
    // cannot mix up their verdicts.
    private Blocklist? _allowedBy;
    private Blocklist? _blockedBy;
    private volatile bool _isVoid;
    private volatile CacheTier _origin;

    /// <summary>The code. Clicks refer to this instance, so that those waiting to be written keep nothing else of their requests alive.</summary>
    public required string ShortCode { get; init; }

    /// <summary>Whether there is an active link behind the code.</summary>
    public required bool Exists { get; init; }

    /// <summary>The target's host in lower-case ASCII.</summary>
    public string Host { get; init; } = "";

    /// <summary>Value of the Location header: ASCII, escaped.</summary>
    public StringValues Location { get; init; }

    /// <summary>301, 302, 307 or 308.</summary>
    public int RedirectType { get; init; }

    /// <summary>Unix milliseconds from which on the link answers 410; <see cref="long.MaxValue"/>: never.</summary>
    public long ExpiresAt { get; init; } = long.MaxValue;

    /// <summary>The newest epoch that was known when the load began. Older than the newest one known now: the state may be one that the store has
    /// lost.</summary>
    public required int Epoch { get; init; }

    /// <summary>The tier that this state came from. Once a newer state is being loaded, the memory of this process is what still answers with it.</summary>
    public required CacheTier Origin
    {
        get => _origin;
        init => _origin = value;
    }

    /// <summary>Called when a newer state is being loaded.</summary>
    public void Outlive() => _origin = CacheTier.Memory;

    /// <summary>Whether the link changed since the load began.</summary>
    public bool IsVoid => _isVoid;

    /// <summary>Called when the link has changed.</summary>
    public void Void() => _isVoid = true;

    /// <summary>The same for another epoch.</summary>
    public CachedLink WithEpoch(int epoch) =>
        new()
        {
            ShortCode = ShortCode,
            Exists = Exists,
            Host = Host,
            Location = Location,
            RedirectType = RedirectType,
            ExpiresAt = ExpiresAt,
            Epoch = epoch,
            Origin = CacheTier.Memory,
        };

    /// <summary>Whether the target is on the blocklist in force. Needs no store: a new list counts while the store is down, too.</summary>
    public bool IsBlocked(Blocklist current)
    {
        if (ReferenceEquals(Volatile.Read(ref _allowedBy), current))
            return false;
        if (ReferenceEquals(Volatile.Read(ref _blockedBy), current))
            return true;
        var isBlocked = Exists && current.Blocks(Host, Location.ToString());
        // The former list is large, and not needed any more.
        Volatile.Write(ref _allowedBy, isBlocked ? null : current);
        Volatile.Write(ref _blockedBy, isBlocked ? current : null);
        return isBlocked;
    }
}
