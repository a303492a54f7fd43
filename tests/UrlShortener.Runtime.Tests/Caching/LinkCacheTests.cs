using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Abuse;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using Xunit;
using ZiggyCreatures.Caching.Fusion;

namespace UrlShortener.Runtime.Tests.Caching;

public sealed class LinkCacheTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cache");
    private readonly KeyEpoch _epoch = new();
    private readonly FakeLinkStore _store = new();
    private readonly List<IDisposable> _owned = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        foreach (var owned in _owned)
            owned.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Load_ActiveLink_IsReadyToAnswer()
    {
        var cache = New();
        var expiry = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123);
        _store.Find = (code, _) => Task.FromResult<Link?>(FakeLinkStore.NewLink(code, "https://example.com/ü") with { RedirectType = 308, ExpiresAt = expiry });

        var link = await cache.LoadAsync("abcd", Token);

        Assert.True(link.Exists);
        Assert.Equal("https://example.com/%C3%BC", link.Location.ToString());
        Assert.Equal((308, 1_790_000_000_123), (link.RedirectType, link.ExpiresAt));
        Assert.True(cache.TryGet("abcd", out var cached));
        Assert.Same(link, cached);
        Assert.Equal(1, _store.Calls);
    }

    [Fact]
    public void TryGet_NotLoaded_IsFalse() => Assert.False(New().TryGet("abcd", out _));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Load_UnknownOrInactiveCode_IsRememberedAsNotFound(bool isInactive)
    {
        var cache = New();
        _store.Find = (code, _) => Task.FromResult(isInactive ? FakeLinkStore.NewLink(code) with { IsActive = false } : null);

        Assert.False((await cache.LoadAsync("abcd", Token)).Exists);
        Assert.False((await cache.LoadAsync("abcd", Token)).Exists);

        Assert.True(cache.TryGet("abcd", out var cached));
        Assert.False(cached.Exists);
        Assert.Equal(1, _store.Calls);
    }

    [Fact]
    public async Task Load_NoExpiry_IsForever() => Assert.Equal(long.MaxValue, (await New().LoadAsync("abcd", Token)).ExpiresAt);

    [Fact]
    public async Task Load_CodesDifferInCaseOnly_AreTwo()
    {
        var cache = New();
        _store.Find = (code, _) => Task.FromResult<Link?>(FakeLinkStore.NewLink(code, "https://example.com/" + code));

        Assert.Equal("https://example.com/abcd", (await cache.LoadAsync("abcd", Token)).Location.ToString());
        Assert.Equal("https://example.com/ABCD", (await cache.LoadAsync("ABCD", Token)).Location.ToString());
    }

    [Fact]
    public async Task Load_ManyAtOnce_AskTheStoreOnce()
    {
        var cache = New();
        var answer = _store.Block();

        var loads = Enumerable.Range(0, 100).Select(_ => Task.Run(() => cache.LoadAsync("abcd", Token).AsTask(), Token)).ToList();
        await Eventually.HoldsAsync(() => _store.Calls == 1);
        answer.SetResult(FakeLinkStore.NewLink("abcd"));
        var links = await Task.WhenAll(loads);

        Assert.All(links, link => Assert.Same(links[0], link));
        Assert.Equal(1, _store.Calls);
    }

    [Fact]
    public async Task Load_FirstCallerLeaves_OthersGetTheirAnswer()
    {
        var cache = New();
        var answer = _store.Block();
        using var leaving = new CancellationTokenSource();
        var first = cache.LoadAsync("abcd", leaving.Token).AsTask();
        await Eventually.HoldsAsync(() => _store.Calls == 1);
        var second = cache.LoadAsync("abcd", Token).AsTask();

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        answer.SetResult(FakeLinkStore.NewLink("abcd"));

        Assert.True((await second).Exists);
    }

    [Fact]
    public async Task Invalidate_CachedLink_IsLoadedAgain()
    {
        var cache = New();
        await cache.LoadAsync("abcd", Token);
        _store.Find = (code, _) => Task.FromResult<Link?>(FakeLinkStore.NewLink(code, "https://example.com/new"));

        cache.Invalidate("abcd");

        Assert.False(cache.TryGet("abcd", out _));
        Assert.Equal("https://example.com/new", (await cache.LoadAsync("abcd", Token)).Location.ToString());
    }

    [Fact]
    public async Task Invalidate_DuringALoad_TheOldAnswerIsNeverServed()
    {
        var cache = New();
        var old = _store.Block();
        var loads = Enumerable.Range(0, 20).Select(_ => Task.Run(() => cache.LoadAsync("abcd", Token).AsTask(), Token)).ToList();
        await Eventually.HoldsAsync(() => _store.Calls == 1);

        _store.Find = (code, _) => Task.FromResult<Link?>(FakeLinkStore.NewLink(code, "https://example.com/new"));
        cache.Invalidate("abcd");
        loads.Add(cache.LoadAsync("abcd", Token).AsTask());
        old.SetResult(FakeLinkStore.NewLink("abcd", "https://example.com/old"));

        Assert.All(await Task.WhenAll(loads), link => Assert.Equal("https://example.com/new", link.Location.ToString()));
        if (cache.TryGet("abcd", out var cached))
            Assert.Equal("https://example.com/new", cached.Location.ToString());
    }

    [Fact]
    public async Task Invalidate_CodeCreatedDuringALoad_IsFound()
    {
        var cache = New();
        var missing = _store.Block();
        var load = cache.LoadAsync("abcd", Token).AsTask();
        await Eventually.HoldsAsync(() => _store.Calls == 1);

        _store.Find = (code, _) => Task.FromResult<Link?>(FakeLinkStore.NewLink(code));
        cache.Invalidate("abcd");
        missing.SetResult(null);

        Assert.True((await load).Exists);
    }

    [Fact]
    public async Task Invalidate_StoreFailsThen_TheOldAnswerIsNotServed()
    {
        var cache = New();
        await cache.LoadAsync("abcd", Token);
        _store.Find = (_, _) => Task.FromException<Link?>(new IOException("down"));

        cache.Invalidate("abcd");

        await Assert.ThrowsAsync<IOException>(() => cache.LoadAsync("abcd", Token).AsTask());
    }

    [Fact]
    public async Task Invalidate_ThousandsOfOtherCodes_LeavesEveryEntryAHit()
    {
        var cache = New();
        var codes = Enumerable.Range(0, 1_000).Select(i => $"held{i:000}").ToList();
        foreach (var code in codes)
            await cache.LoadAsync(code, Token);
        var before = _store.Calls;

        // As many as aliases in four bulk requests, each created for the first time.
        for (var i = 0; i < 40_000; i++)
            cache.Invalidate($"new{i:00000}", new StateVersion(0, 1));

        Assert.All(codes, code => Assert.True(cache.TryGet(code, out _), code));
        Assert.Equal(before, _store.Calls);
        Assert.Equal(0, cache.Loading);
    }

    [Fact]
    public async Task Invalidate_CodeWhoseAbsenceIsRemembered_IsFoundThen()
    {
        var cache = New();
        _store.Find = (_, _) => Task.FromResult<Link?>(null);
        Assert.False((await cache.LoadAsync("abcd", Token)).Exists);
        _store.Find = (code, _) => Task.FromResult<Link?>(FakeLinkStore.NewLink(code));

        cache.Invalidate("abcd", new StateVersion(0, 1));

        Assert.False(cache.TryGet("abcd", out _));
        Assert.True((await cache.LoadAsync("abcd", Token)).Exists);
        Assert.Equal(0, cache.Loading);
    }

    [Theory]
    [InlineData(100_000)]
    [InlineData(3)]
    public async Task Invalidate_ManyTimesDuringManyLoads_NoOldStateStays(int capacity)
    {
        var cache = New(new CachingOptions { Capacity = capacity });
        string[] codes = ["aaaa", "bbbb", "cccc", "dddd"];
        var newest = new int[codes.Length];
        _store.Find = async (code, _) =>
        {
            var state = Volatile.Read(ref newest[Array.IndexOf(codes, code)]);
            await Task.Yield();
            return FakeLinkStore.NewLink(code, $"https://example.com/{state}");
        };

        await Parallel.ForEachAsync(
            Enumerable.Range(0, 8),
            Token,
            async (worker, token) =>
            {
                var index = worker % codes.Length;
                for (var i = 0; i < 2_000; i++)
                {
                    if (worker < codes.Length)
                    {
                        Interlocked.Increment(ref newest[index]);
                        cache.Invalidate(codes[index]);
                    }

                    // What was changed before the call is what it answers, or something newer.
                    var least = Volatile.Read(ref newest[index]);
                    var link =
                        cache.TryGetHot(codes[index], Stopwatch.GetTimestamp(), out var hot) ? hot
                        : cache.TryGet(codes[index], out var held) ? held
                        : await cache.LoadAsync(codes[index], token);
                    if (worker < codes.Length)
                        Assert.InRange(
                            int.Parse(link.Location.ToString().Split('/')[^1], System.Globalization.CultureInfo.InvariantCulture),
                            least,
                            int.MaxValue
                        );
                }
            }
        );

        Assert.Equal(0, cache.Loading);
        for (var index = 0; index < codes.Length; index++)
            Assert.Equal($"https://example.com/{newest[index]}", (await cache.LoadAsync(codes[index], Token)).Location.ToString());
    }

    [Fact]
    public async Task TryGetHot_AskedForBefore_IsFoundUntilItChanges()
    {
        var cache = New();
        var link = await cache.LoadAsync("abcd", Token);
        var now = Stopwatch.GetTimestamp();
        Assert.False(cache.TryGetHot("abcd", now, out _));

        Assert.True(cache.TryGet("abcd", out _));
        Assert.True(cache.TryGetHot("abcd", now, out var hot));
        Assert.Same(link, hot);
        Assert.False(cache.TryGetHot("abcd", now + (2 * Stopwatch.Frequency), out _));

        cache.Invalidate("abcd");
        Assert.False(cache.TryGetHot("abcd", now, out _));
        Assert.True(hot.IsVoid);
    }

    [Fact]
    public async Task TryGetHot_EvictedFromTheCacheBehind_IsVoidedByAChange()
    {
        var cache = New(new CachingOptions { Capacity = 16_384 });
        await cache.LoadAsync("abcd", Token);
        Assert.True(cache.TryGet("abcd", out _));
        var now = Stopwatch.GetTimestamp();
        for (var i = 0; i < 40_000; i++)
            await cache.LoadAsync($"c{i:00000}", Token);
        Assert.False(cache.TryGet("abcd", out _));
        Assert.True(cache.TryGetHot("abcd", now, out _));

        cache.Invalidate("abcd");

        Assert.False(cache.TryGetHot("abcd", now, out _));
    }

    [Fact]
    public async Task TryGetHot_UnknownCode_IsLeftToTheRoute()
    {
        var cache = New();
        _store.Find = (_, _) => Task.FromResult<Link?>(null);
        await cache.LoadAsync("abcd", Token);
        Assert.True(cache.TryGet("abcd", out _));

        Assert.False(cache.TryGetHot("abcd", Stopwatch.GetTimestamp(), out _));
    }

    [Fact]
    public async Task TryGetHot_EpochOpened_IsLoadedAgain()
    {
        var cache = New();
        await cache.LoadAsync("abcd", Token);
        Assert.True(cache.TryGet("abcd", out _));

        _epoch.Observe(1);

        Assert.False(cache.TryGetHot("abcd", Stopwatch.GetTimestamp(), out _));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Epoch_Opened_EveryEntryIsLoadedAgain(int staleHours)
    {
        var cache = New(new CachingOptions { StaleTtl = TimeSpan.FromHours(staleHours) });
        await cache.LoadAsync("abcd", Token);
        _store.Find = (code, _) => Task.FromResult<Link?>(FakeLinkStore.NewLink(code, "https://example.com/restored"));

        _epoch.Observe(1);

        Assert.False(cache.TryGet("abcd", out _));
        Assert.Equal("https://example.com/restored", (await cache.LoadAsync("abcd", Token)).Location.ToString());
        Assert.True(cache.TryGet("abcd", out _));
    }

    [Fact]
    public async Task Epoch_OpenedDuringALoad_TheOldAnswerIsNotServed()
    {
        var cache = New();
        var old = _store.Block();
        var load = cache.LoadAsync("abcd", Token).AsTask();
        await Eventually.HoldsAsync(() => _store.Calls == 1);

        _store.Find = (code, _) => Task.FromResult<Link?>(FakeLinkStore.NewLink(code, "https://example.com/restored"));
        _epoch.Observe(1);
        old.SetResult(FakeLinkStore.NewLink("abcd", "https://example.com/lost"));

        Assert.Equal("https://example.com/restored", (await load).Location.ToString());
    }

    [Fact]
    public async Task Epoch_OpenedAndTheStoreIsSlow_TheOldEntryIsNotServed()
    {
        var cache = New();
        await cache.LoadAsync("abcd", Token);
        var answer = _store.Block();
        _epoch.Observe(1);

        var load = cache.LoadAsync("abcd", Token).AsTask();
        // Longer than whoever has an entry past its time usually waits.
        await Assert.ThrowsAsync<TimeoutException>(() => load.WaitAsync(TimeSpan.FromMilliseconds(300), Token));
        answer.SetResult(FakeLinkStore.NewLink("abcd", "https://example.com/restored"));

        Assert.Equal("https://example.com/restored", (await load).Location.ToString());
    }

    [Fact]
    public async Task Epoch_OpenedAndTheStoreFails_TheOldEntryIsServedUntilItAnswers()
    {
        var cache = New();
        var link = await cache.LoadAsync("abcd", Token);
        _store.Find = (_, _) => Task.FromException<Link?>(new IOException("down"));
        _epoch.Observe(1);

        Assert.Equal(link.Location, (await cache.LoadAsync("abcd", Token)).Location);
        // The store is left alone for a moment.
        Assert.True(cache.TryGet("abcd", out _));
        // A change is known to have replaced it; that is another matter.
        cache.Invalidate("abcd", new StateVersion(1, 2));
        await Assert.ThrowsAsync<IOException>(() => cache.LoadAsync("abcd", Token).AsTask());

        _store.Find = (code, _) => Task.FromResult<Link?>(FakeLinkStore.NewLink(code, "https://example.com/restored"));
        Assert.Equal("https://example.com/restored", (await cache.LoadAsync("abcd", Token)).Location.ToString());
        Assert.Equal(0, cache.Loading);
    }

    [Fact]
    public async Task Load_StoreFailsAfterTheTtl_ServesTheStaleLink()
    {
        var cache = New(new CachingOptions { Ttl = TimeSpan.FromMilliseconds(1) });
        var link = await cache.LoadAsync("abcd", Token);
        Assert.Equal(CacheTier.Store, link.Origin);
        _store.Find = (_, _) => Task.FromException<Link?>(new IOException("down"));
        await Eventually.HoldsAsync(() => !cache.TryGet("abcd", out _));

        var stale = await cache.LoadAsync("abcd", Token);

        Assert.Equal(link.Location, stale.Location);
        // The store did not answer this one.
        Assert.Equal(CacheTier.Memory, stale.Origin);
    }

    [Fact]
    public async Task Load_StoreFailsAndNoStaleTime_Throws()
    {
        var cache = New(new CachingOptions { Ttl = TimeSpan.FromMilliseconds(1), StaleTtl = TimeSpan.Zero });
        await cache.LoadAsync("abcd", Token);
        _store.Find = (_, _) => Task.FromException<Link?>(new IOException("down"));
        await Eventually.HoldsAsync(() => !cache.TryGet("abcd", out _));

        await Assert.ThrowsAsync<IOException>(() => cache.LoadAsync("abcd", Token).AsTask());
    }

    [Fact]
    public async Task Load_StoreFailsAtFirst_IsNotRemembered()
    {
        var cache = New();
        _store.Find = (_, _) => Task.FromException<Link?>(new IOException("down"));
        await Assert.ThrowsAsync<IOException>(() => cache.LoadAsync("abcd", Token).AsTask());

        _store.Find = (code, _) => Task.FromResult<Link?>(FakeLinkStore.NewLink(code));

        Assert.True((await cache.LoadAsync("abcd", Token)).Exists);
    }

    [Fact]
    public async Task Load_MoreCodesThanTheCapacity_HoldsNoMore()
    {
        var cache = New(new CachingOptions { Capacity = 50 });
        var codes = Enumerable.Range(0, 1_000).Select(i => $"c{i:0000}").ToList();
        foreach (var code in codes)
            Assert.True((await cache.LoadAsync(code, Token)).Exists);

        Assert.InRange(codes.Count(code => cache.TryGet(code, out _)), 0, 50);
    }

    [Fact]
    public async Task IsBlocked_ListChanges_IsJudgedAgainWithoutTheStore()
    {
        var cache = New();
        var link = await cache.LoadAsync("abcd", Token);
        _store.Find = (_, _) => Task.FromException<Link?>(new IOException("down"));

        Assert.False(link.IsBlocked(Blocklist.Empty));
        Assert.True(link.IsBlocked(Blocklist.Parse(new StringReader("example.com")).List));
        Assert.False(link.IsBlocked(Blocklist.Parse(new StringReader("other.example.com")).List));
    }

    // A redirect that began before a new list is there may end after it.
    [Fact]
    public void IsBlocked_TwoListsAtOnce_EachHasItsOwnVerdict()
    {
        const int rounds = 200_000;
        var (empty, list) = (Blocklist.Empty, Blocklist.Parse(new StringReader("example.com")).List);
        var link = new CachedLink
        {
            ShortCode = "abcd",
            Exists = true,
            Host = "example.com",
            Location = "https://example.com/",
            Epoch = 0,
            Origin = CacheTier.Store,
        };
        var wrong = 0;

        Parallel.Invoke(() => Ask(empty, isBlocked: false), () => Ask(list, isBlocked: true));

        Assert.Equal(0, wrong);

        void Ask(Blocklist current, bool isBlocked)
        {
            for (var i = 0; i < rounds; i++)
            {
                if (link.IsBlocked(current) != isBlocked)
                    Interlocked.Increment(ref wrong);
            }
        }
    }

    private LinkCache New(CachingOptions? options = null)
    {
        var cache = new LinkCache(_store, new NoSharedLinkCache(), _epoch, options ?? new CachingOptions(), NullLogger<FusionCache>.Instance);
        _owned.Add(cache);
        return cache;
    }
}
