using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using Xunit;

namespace UrlShortener.Runtime.Tests.Keys;

public sealed class KeyPoolTests : IDisposable
{
    private readonly KeyPool _pool = new(new KeyOptions { PoolSize = 4, LowWatermark = 2 });

    public void Dispose() => _pool.Dispose();

    [Fact]
    public void Take_Filled_HandsEachKeyOutOnce()
    {
        _pool.Add(["key0001", "key0002"]);

        Assert.Equal(["key0001", "key0002"], new[] { _pool.Take(), _pool.Take() }.Order(StringComparer.Ordinal));
        Assert.Equal(0, _pool.Level);
    }

    [Fact]
    public void Take_Empty_MakesAKeyOnTheSpot()
    {
        var (first, second) = (_pool.Take(), _pool.Take());

        Assert.NotEqual(first, second);
        Assert.True(ShortCode.IsValid(first));
    }

    [Fact]
    public void Take_ManyAtOnce_HandsNoKeyOutTwice()
    {
        var keys = Enumerable.Range(0, 1_000).Select(_ => KeyGenerator.Generate()).ToHashSet(StringComparer.Ordinal);
        _pool.Add(keys);
        var taken = new System.Collections.Concurrent.ConcurrentBag<string>();

        Parallel.For(0, 1_200, _ => taken.Add(_pool.Take()));

        Assert.Equal(1_200, taken.Distinct(StringComparer.Ordinal).Count());
        Assert.Subset(taken.ToHashSet(StringComparer.Ordinal), keys);
    }

    [Fact]
    public async Task WaitUntilLow_LevelFallsBelowTheWatermark_Completes()
    {
        _pool.Add(["key0001", "key0002", "key0003"]);
        var low = _pool.WaitUntilLowAsync(TestContext.Current.CancellationToken);

        _pool.Take();
        Assert.False(low.IsCompleted);
        _pool.Take();

        await low;
    }

    [Fact]
    public async Task WaitUntilLow_ManyTakes_SignalOnce()
    {
        Parallel.For(0, 100, _ => _pool.Take());

        await _pool.WaitUntilLowAsync(TestContext.Current.CancellationToken);

        Assert.False(_pool.WaitUntilLowAsync(TestContext.Current.CancellationToken).IsCompleted);
    }
}
