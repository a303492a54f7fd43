using System.Diagnostics.CodeAnalysis;
using BitFaster.Caching.Lru;
using Microsoft.Extensions.Options;
using UrlShortener.Runtime.Abuse;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Links;
using ZiggyCreatures.Caching.Fusion;

namespace UrlShortener.Runtime.Caching;

/// <summary>
/// Links in memory, bounded, each for a short time, unknown codes too. One load per code at a time; while the store fails, an entry past its time is still
/// served. A change is visible at once: it raises the code's version, and an entry of an older version, even one still being loaded, is void.
/// </summary>
internal sealed class LinkCache : IDisposable
{
    // Codes share versions by hash: a collision costs a needless load, never a stale answer. A power of two.
    private const int Versions = 16_384;
    private const int RecentChanges = 10_000;

    private static readonly TargetPolicy AnyTarget = new(int.MaxValue, AllowPrivateHosts: true, new HashSet<string>());

    private readonly int[] _versions = new int[Versions];
    // What changed lately, as far as this process was told. The bound forgets a change early at worst, which costs freshness behind a lagging replica only.
    private readonly ConcurrentLru<string, int> _recentVersions;
    private readonly ILinkStore _store;
    private readonly ISharedLinkCache _shared;
    private readonly CachingOptions _options;
    private readonly FusionCache _cache;
    private readonly BoundedMemoryCache _memory;

    public LinkCache(ILinkStore store, ISharedLinkCache shared, CachingOptions options, ILogger<FusionCache> logger)
    {
        _store = store;
        _shared = shared;
        _options = options;
        _recentVersions = new ConcurrentLru<string, int>(1, RecentChanges, StringComparer.Ordinal);
        _memory = new BoundedMemoryCache(options.Capacity, TimeProvider.System);
        _cache = new FusionCache(
            Options.Create(new FusionCacheOptions
            {
                CacheName = "links",
                DisableTagging = true,
                // Checks the settings below in a task of its own, which fails when a cache is disposed of at once.
                EnableBestPracticesAdvisor = false,
                // The warning is about a memory cache shared with others; this one is ours alone.
                MissingCacheKeyPrefixWarningLogLevel = LogLevel.None,
                DefaultEntryOptions = new FusionCacheEntryOptions(options.Ttl)
                {
                    JitterMaxDuration = options.Ttl / 10,
                    IsFailSafeEnabled = options.StaleTtl > TimeSpan.Zero,
                    FailSafeMaxDuration = options.StaleTtl,
                    FailSafeThrottleDuration = TimeSpan.FromSeconds(1),
                    // A store that is slow to fail: whoever has an entry past its time is not kept waiting for a new one. Changes do not wait for either.
                    FactorySoftTimeout = TimeSpan.FromMilliseconds(100),
                    LockTimeout = TimeSpan.FromSeconds(2),
                },
            }),
            _memory,
            logger);
    }

    /// <summary>The entry of a code when it is in memory and current.</summary>
    public bool TryGet(string shortCode, [NotNullWhen(true)] out CachedLink? link)
    {
        var cached = _cache.TryGet<CachedLink>(shortCode);
        link = cached.HasValue ? cached.Value : null;
        if (link is null || link.Version != Volatile.Read(ref VersionOf(shortCode)))
        {
            link = null;
            return false;
        }

        CacheMetrics.Hit.Inc();
        return true;
    }

    /// <summary>The entry of a code, loaded from the store unless another caller is already doing so.</summary>
    public async ValueTask<CachedLink> LoadAsync(string shortCode, CancellationToken cancellationToken)
    {
        CacheMetrics.Miss.Inc();
        while (true)
        {
            var link = await _cache.GetOrSetAsync<CachedLink>(shortCode, (context, token) => ReadAsync(shortCode, context, token), token: cancellationToken);
            if (link.Version == Volatile.Read(ref VersionOf(shortCode)))
                return link;
            // The link changed while it was read: whatever is in the cache now is older than the change.
            await _cache.RemoveAsync(shortCode, token: cancellationToken);
        }
    }

    /// <summary>Voids what this process holds of a code. Called after every change of it was committed, its creation included.</summary>
    /// <param name="shortCode">The code.</param>
    /// <param name="version">Version that the link reached; 0: not known.</param>
    public void Invalidate(string shortCode, int version = 0)
    {
        if (version > 0)
        {
            // Most changes are told of several times: by the one who made it, by message, and by the log.
            if (_recentVersions.TryGet(shortCode, out var known) && known >= version)
                return;
            _recentVersions.AddOrUpdate(shortCode, version);
        }

        Interlocked.Increment(ref VersionOf(shortCode));
        _cache.Remove(shortCode);
        CacheMetrics.Invalidations.Inc();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _cache.Dispose();
        _memory.Dispose();
    }

    private async Task<CachedLink> ReadAsync(string shortCode, FusionCacheFactoryExecutionContext<CachedLink> context, CancellationToken cancellationToken)
    {
        // Read before the store is: a change in between then makes this entry void instead of stale.
        var version = Volatile.Read(ref VersionOf(shortCode));
        var link = await FindTargetAsync(shortCode, cancellationToken);
        if (link is not { IsActive: true })
        {
            context.Options.Duration = _options.NegativeTtl;
            context.Options.JitterMaxDuration = TimeSpan.Zero;
            return new CachedLink { ShortCode = shortCode, Exists = false, Version = version };
        }

        // What may be created is decided at creation; here only the form matters.
        var target = TargetUrl.Check(link.OriginalUrl, AnyTarget);
        if (!target.IsAccepted)
            throw new InvalidDataException($"The stored target of {shortCode} is not a URL: {target.Problem}");
        return new CachedLink
        {
            ShortCode = shortCode,
            Exists = true,
            Host = target.Host,
            Location = target.Location,
            RedirectType = link.RedirectType,
            ExpiresAt = link.ExpiresAt?.ToUnixTimeMilliseconds() ?? long.MaxValue,
            Version = version,
        };
    }

    // The shared tier, then the store; a state older than a change that somebody told of is not taken from either.
    private async Task<LinkTarget?> FindTargetAsync(string shortCode, CancellationToken cancellationToken)
    {
        var known = _recentVersions.TryGet(shortCode, out var recent) ? recent : 0;
        var shared = await _shared.FindAsync(shortCode, cancellationToken);
        if (shared.Target is { } held && held.Version >= known)
            return held;
        var target = await _store.FindTargetAsync(shortCode, Math.Max(known, shared.AtLeast), cancellationToken);
        if (target is not null && !shared.IsOutOfReach)
            await _shared.StoreAsync(shortCode, target, cancellationToken);
        return target;
    }

    private ref int VersionOf(string shortCode) => ref _versions[string.GetHashCode(shortCode.AsSpan()) & (Versions - 1)];
}
