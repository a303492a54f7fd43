using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using Xunit;
using ZiggyCreatures.Caching.Fusion;

namespace UrlShortener.Runtime.Tests.Caching;

public sealed class WarmUpTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLinkStore _store = new();
    private readonly LinkCache _cache;

    public WarmUpTests() => _cache = new LinkCache(_store, new NoSharedLinkCache(), new KeyEpoch(), new CachingOptions(), NullLogger<FusionCache>.Instance);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _cache.Dispose();

    [Fact]
    public async Task Start_StoreAnswers_LookupsWereMadeAtOnce()
    {
        var answer = _store.Block();

        var start = Start(Token);
        await Eventually.HoldsAsync(() => _store.Calls == 8);
        Assert.False(start.IsCompleted);
        answer.SetResult(null);

        await start;
    }

    [Fact]
    public async Task Start_StoreFails_GoesOn()
    {
        _store.Find = (_, _) => Task.FromException<Link?>(new TimeoutException());

        await Start(Token);
    }

    [Fact]
    public async Task Start_StoreHangs_GoesOnAfterASecond()
    {
        _store.Block();

        var start = Start(Token);
        await Eventually.HoldsAsync(() => _store.Calls == 8);
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.False(start.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.2));

        await start;
    }

    [Fact]
    public async Task Start_IsCancelled_EndsByIt()
    {
        _store.Block();
        using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(Token);

        var start = Start(cancelled.Token);
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start);
    }

    private Task Start(CancellationToken cancellationToken) => new WarmUp(_cache, new NoSharedLinkCache(), _time).StartAsync(cancellationToken);
}
