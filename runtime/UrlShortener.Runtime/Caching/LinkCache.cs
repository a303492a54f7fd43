using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using BitFaster.Caching.Lru;
using Microsoft.Extensions.Options;
using UrlShortener.Runtime.Abuse;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Telemetry;
using ZiggyCreatures.Caching.Fusion;

namespace UrlShortener.Runtime.Caching;

/// <summary>
/// Holds links and unknown codes in bounded memory for a short time. One load per code at a time; while the store fails, an entry past its time is still
/// served. A change is visible at once: it voids the code's entry, even one still being loaded, and no other. A new epoch makes every older entry one past its
/// time: the store is asked again, and only a store that fails leaves the old entry in place.
/// </summary>
internal sealed class LinkCache : IDisposable
{
    private const int RecentChanges = 10_000;

    // How long an entry past its time is served before the store is tried again.
    private static readonly TimeSpan Throttle = TimeSpan.FromSeconds(1);

    // How long a link that is asked for often is answered without another look at its time.
    private static readonly TimeSpan HotLease = TimeSpan.FromSeconds(1);

    private static readonly TargetPolicy AnyTarget = new(int.MaxValue, AllowPrivateHosts: true, new HashSet<string>());

    // Recent changes that this process knows of. The bound forgets a change early at worst, which costs freshness behind a lagging replica only.
    private readonly ConcurrentLru<string, StateVersion> _recentVersions;
    private readonly LoadsUnderWay _loads = new();
    private readonly KeyEpoch _epoch;
    private readonly ILinkStore _store;
    private readonly ISharedLinkCache _shared;
    private readonly CachingOptions _options;
    private readonly FusionCache _cache;
    private readonly BoundedMemoryCache _memory;
    private readonly HotLinks _hot;
    private readonly FusionCacheEntryOptions _whateverIsHeld;
    private readonly FusionCacheEntryOptions _patient;

    public LinkCache(ILinkStore store, ISharedLinkCache shared, KeyEpoch epoch, CachingOptions options, ILogger<FusionCache> logger)
    {
        _store = store;
        _shared = shared;
        _epoch = epoch;
        _options = options;
        _recentVersions = new ConcurrentLru<string, StateVersion>(1, RecentChanges, StringComparer.Ordinal);
        _memory = new BoundedMemoryCache(options.Capacity, TimeProvider.System, key => _loads.Stored((string)key));
        _hot = new HotLinks(options.Capacity, TicksOf(options.Ttl / 10 < HotLease ? options.Ttl / 10 : HotLease));
        _cache = new FusionCache(
            Options.Create(
                new FusionCacheOptions
                {
                    CacheName = "links",
                    DisableTagging = true,
                    // Checks the settings below in a task of its own, which fails when a cache is disposed of at once.
                    EnableBestPracticesAdvisor = false,
                    // The warning is about a memory cache shared with others; this one is ours alone.
                    MissingCacheKeyPrefixWarningLogLevel = LogLevel.None,
                    // It would log a stack trace for each visitor of a link that is not in memory. Callers log the failure at intervals, and the store's
                    // breaker counts it.
                    FactoryErrorsLogLevel = LogLevel.Debug,
                    DefaultEntryOptions = new FusionCacheEntryOptions(options.Ttl)
                    {
                        JitterMaxDuration = options.Ttl / 10,
                        IsFailSafeEnabled = options.StaleTtl > TimeSpan.Zero,
                        FailSafeMaxDuration = options.StaleTtl,
                        FailSafeThrottleDuration = Throttle,
                        // If the store is slow to fail, a caller with an entry past its time does not wait for a new one. Changes do not wait either.
                        FactorySoftTimeout = TimeSpan.FromMilliseconds(100),
                        LockTimeout = TimeSpan.FromSeconds(2),
                    },
                }
            ),
            _memory,
            logger
        );
        CacheMetrics.CountEvictionsBy(() => _memory.Evicted);
        _whateverIsHeld = _cache.DefaultEntryOptions.Duplicate();
        _whateverIsHeld.AllowStaleOnReadOnly = true;
        _patient = _cache.DefaultEntryOptions.Duplicate();
        _patient.FactorySoftTimeout = Timeout.InfiniteTimeSpan;
    }

    /// <summary>Codes that are being loaded.</summary>
    internal int Loading => _loads.Count;

    /// <summary>A link that was asked for a moment ago, if it is current. Any text may be asked for.</summary>
    /// <param name="shortCode">The code.</param>
    /// <param name="now">A timestamp of <see cref="Stopwatch"/>.</param>
    /// <param name="link">The link; it exists.</param>
    public bool TryGetHot(ReadOnlySpan<char> shortCode, long now, [NotNullWhen(true)] out CachedLink? link)
    {
        link = _hot.Find(shortCode, now);
        if (link is null || !IsCurrent(link))
            return false;
        CacheMetrics.Hit.Inc();
        return true;
    }

    /// <summary>The entry of a code when it is in memory and current.</summary>
    public bool TryGet(string shortCode, [NotNullWhen(true)] out CachedLink? link)
    {
        link = FindInMemory(shortCode);
        if (link is null)
            return false;
        if (link.Exists)
            HoldHot(link);
        CacheMetrics.Hit.Inc();
        return true;
    }

    /// <summary>The entry of a code, loaded from the store unless another caller is already doing so.</summary>
    public async ValueTask<CachedLink> LoadAsync(string shortCode, CancellationToken cancellationToken)
    {
        CacheMetrics.Miss.Inc();
        using var span = Spans.Start("load link");
        FusionCacheEntryOptions? options = null;
        while (true)
        {
            // A caller who leaves does not end the load: every load that succeeds must bring its entry into memory.
            var link = await _cache
                .GetOrSetAsync<CachedLink>(shortCode, (context, token) => ReadAsync(shortCode, context, token), options, token: CancellationToken.None)
                .AsTask()
                .WaitAsync(cancellationToken);
            if (IsCurrent(link))
            {
                span?.SetTag("url_shortener.cache.tier", NameOf(link.Origin));
                return link;
            }

            if (link.IsVoid)
            {
                // The link changed while it was read.
                _cache.Remove(shortCode, token: CancellationToken.None);
            }
            else
            {
                // Of an older epoch. It stays for the case that the store fails; one that is merely slow is waited for.
                _cache.Expire(shortCode, token: CancellationToken.None);
                options = _patient.Duplicate();
            }
        }
    }

    /// <summary>Voids what this process holds of a code. Called after every change of it was committed, its creation included.</summary>
    /// <param name="shortCode">The code.</param>
    /// <param name="version">Version that the link reached; the default: not known.</param>
    public void Invalidate(string shortCode, StateVersion version = default)
    {
        // A creation leaves no older state behind that a replica could answer with.
        if (version.Number > 1)
        {
            // Most changes arrive several times: from the process that made them, by message, and from the log.
            if (_recentVersions.TryGet(shortCode, out var known) && known >= version)
                return;
            _recentVersions.AddOrUpdate(shortCode, version);
        }

        // First the loads under way, then the entry in memory: in this order no old state slips through.
        _loads.Void(shortCode);
        if (_cache.TryGet<CachedLink>(shortCode, _whateverIsHeld) is { HasValue: true } held)
            held.Value.Void();
        _hot.Drop(shortCode, isVoid: true);
        _cache.Remove(shortCode);
        CacheMetrics.Invalidations.Inc();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _cache.Dispose();
        _memory.Dispose();
    }

    private CachedLink? FindInMemory(string shortCode) =>
        _cache.TryGet<CachedLink>(shortCode) is { HasValue: true, Value: var link } && IsCurrent(link) ? link : null;

    private void HoldHot(CachedLink link)
    {
        _hot.Hold(link, Stopwatch.GetTimestamp());
        // A change that came before this line found nothing to void if the entry had just been evicted. One that comes later finds it here.
        if (FindInMemory(link.ShortCode) != link)
            _hot.Drop(link.ShortCode, isVoid: false);
    }

    private static long TicksOf(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    private async Task<CachedLink> ReadAsync(string shortCode, FusionCacheFactoryExecutionContext<CachedLink> context, CancellationToken cancellationToken)
    {
        // Both before the store is asked: a change or an epoch in between then makes this entry void instead of stale.
        var stale = context.HasStaleValue ? context.StaleValue.Value : null;
        stale?.Outlive();
        var load = _loads.Begin(shortCode, stale);
        var epoch = _epoch.Current;
        try
        {
            var link = await ReadAsync(shortCode, epoch, context, cancellationToken);
            _loads.Finish(load, link);
            return link;
        }
        // The store fails at a time when it has just lost something, as far as is known: an outage of every link is worse than a link that may be out of date.
        catch (Exception) when (load.Older is { IsVoid: false } older && older.Epoch < epoch)
        {
            context.Options.Duration = Throttle;
            context.Options.JitterMaxDuration = TimeSpan.Zero;
            var link = older.WithEpoch(epoch);
            _loads.Finish(load, link);
            return link;
        }
        catch
        {
            _loads.Fail(load);
            throw;
        }
    }

    private async Task<CachedLink> ReadAsync(
        string shortCode,
        int epoch,
        FusionCacheFactoryExecutionContext<CachedLink> context,
        CancellationToken cancellationToken
    )
    {
        var (link, origin) = await FindTargetAsync(shortCode, epoch, cancellationToken);
        if (link is not { IsActive: true })
        {
            context.Options.Duration = _options.NegativeTtl;
            context.Options.JitterMaxDuration = TimeSpan.Zero;
            return new CachedLink
            {
                ShortCode = shortCode,
                Exists = false,
                Epoch = epoch,
                Origin = origin,
            };
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
            Epoch = epoch,
            Origin = origin,
        };
    }

    // The shared tier, then the store; a state older than a change that somebody told of, or of an older epoch, is not taken from either.
    private async Task<(LinkTarget? Target, CacheTier Origin)> FindTargetAsync(string shortCode, int epoch, CancellationToken cancellationToken)
    {
        var known = StateVersion.Newest(new StateVersion(epoch, 0), _recentVersions.TryGet(shortCode, out var recent) ? recent : default);
        var shared = await _shared.FindAsync(shortCode, cancellationToken);
        if (shared.Target is { } held && held.Version >= known)
            return (held, CacheTier.Shared);
        var target = await _store.FindTargetAsync(shortCode, StateVersion.Newest(known, shared.AtLeast), cancellationToken);
        _epoch.Observe(target?.Version.Epoch ?? 0);
        if (target is not null && !shared.IsOutOfReach)
            await _shared.StoreAsync(shortCode, target, cancellationToken);
        return (target, CacheTier.Store);
    }

    private static string NameOf(CacheTier tier) =>
        tier switch
        {
            CacheTier.Memory => "memory",
            CacheTier.Shared => "redis",
            _ => "store",
        };

    private bool IsCurrent(CachedLink link) => link.Epoch == _epoch.Current && !link.IsVoid;
}
