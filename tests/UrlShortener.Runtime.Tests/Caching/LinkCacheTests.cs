using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Abuse;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Links;
using Xunit;
using ZiggyCreatures.Caching.Fusion;

namespace UrlShortener.Runtime.Tests.Caching;

public sealed class LinkCacheTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cache");
    private readonly FakeTimeProvider _time = new();
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
    public async Task Load_StoreFailsAfterTheTtl_ServesTheStaleLink()
    {
        var cache = New(new CachingOptions { Ttl = TimeSpan.FromMilliseconds(1) });
        var link = await cache.LoadAsync("abcd", Token);
        _store.Find = (_, _) => Task.FromException<Link?>(new IOException("down"));
        await Eventually.HoldsAsync(() => !cache.TryGet("abcd", out _));

        Assert.Equal(link.Location, (await cache.LoadAsync("abcd", Token)).Location);
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

    private LinkCache New(CachingOptions? options = null)
    {
        var cache = new LinkCache(_store, new NoSharedLinkCache(), options ?? new CachingOptions(), NullLogger<FusionCache>.Instance);
        _owned.Add(cache);
        return cache;
    }
}
