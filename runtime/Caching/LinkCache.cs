using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Caching.Memory;
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

    private static readonly TargetPolicy AnyTarget = new(int.MaxValue, AllowPrivateHosts: true, new HashSet<string>());

    private readonly int[] _versions = new int[Versions];
    private readonly ILinkStore _store;
    private readonly CachingOptions _options;
    private readonly FusionCache _cache;
    private readonly MemoryCache _memory;

    public LinkCache(ILinkStore store, CachingOptions options, ILogger<FusionCache> logger)
    {
        _store = store;
        _options = options;
        _memory = new MemoryCache(new MemoryCacheOptions { SizeLimit = options.Capacity });
        _cache = new FusionCache(
            Options.Create(new FusionCacheOptions
            {
                CacheName = "links",
                DisableTagging = true,
                // The warning is about a memory cache shared with others; this one is ours alone.
                MissingCacheKeyPrefixWarningLogLevel = LogLevel.None,
                DefaultEntryOptions = new FusionCacheEntryOptions(options.Ttl)
                {
                    Size = 1,
                    JitterMaxDuration = options.Ttl / 10,
                    IsFailSafeEnabled = options.StaleTtl > TimeSpan.Zero,
                    FailSafeMaxDuration = options.StaleTtl,
                    FailSafeThrottleDuration = TimeSpan.FromSeconds(1),
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

    /// <summary>Voids what is held of a code. Called after every change of it was committed, its creation included.</summary>
    public void Invalidate(string shortCode)
    {
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
        var link = await _store.FindAsync(shortCode, cancellationToken);
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

    private ref int VersionOf(string shortCode) => ref _versions[string.GetHashCode(shortCode.AsSpan()) & (Versions - 1)];
}
