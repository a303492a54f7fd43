using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using Xunit;

namespace UrlShortener.Runtime.Tests.Keys;

public sealed class KeyPoolTests : IDisposable
{
    private readonly KeyEpoch _epoch = new();
    private readonly KeyPool _pool;

    public KeyPoolTests() => _pool = new KeyPool(new KeyOptions { PoolSize = 4, LowWatermark = 2 }, _epoch);

    public void Dispose() => _pool.Dispose();

    [Fact]
    public void Take_Filled_HandsEachKeyOutOnce()
    {
        Add("key0001", "key0002");

        Assert.Equal(["key0001", "key0002"], new[] { _pool.Take().Code, _pool.Take().Code }.Order(StringComparer.Ordinal));
        Assert.Equal(0, _pool.Level);
    }

    [Fact]
    public void Take_Empty_MakesAKeyOnTheSpot()
    {
        var (first, second) = (_pool.Take(), _pool.Take());

        Assert.NotEqual(first, second);
        Assert.True(ShortCode.IsValid(first.Code));
    }

    [Fact]
    public void Take_ManyAtOnce_HandsNoKeyOutTwice()
    {
        var keys = Enumerable.Range(0, 1_000).Select(_ => CodeGenerator.Generate()).ToHashSet(StringComparer.Ordinal);
        Add([.. keys]);
        var taken = new System.Collections.Concurrent.ConcurrentBag<string>();

        Parallel.For(0, 1_200, _ => taken.Add(_pool.Take().Code));

        Assert.Equal(1_200, taken.Distinct(StringComparer.Ordinal).Count());
        Assert.Subset(taken.ToHashSet(StringComparer.Ordinal), keys);
    }

    [Fact]
    public async Task WaitUntilLow_LevelFallsBelowTheWatermark_Completes()
    {
        Add("key0001", "key0002", "key0003");
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

    [Fact]
    public void Take_NewerEpochSeen_DropsOlderKeys()
    {
        _pool.Add([new Key("old0001", 1), new Key("old0002", 1), new Key("new0001", 2)]);

        _epoch.Observe(2);
        _epoch.Observe(1);

        Assert.Equal("new0001", _pool.Take().Code);
        Assert.Equal(0, _pool.Level);
        Assert.Equal(int.MaxValue, _pool.Take().Epoch);
    }

    [Fact]
    public void TakeAll_OldAndNewKeys_GivesTheNewOnes()
    {
        _pool.Add([new Key("old0001", 1), new Key("new0001", 2)]);
        _epoch.Observe(2);

        Assert.Equal([new Key("new0001", 2)], _pool.TakeAll());
        Assert.Equal(0, _pool.Level);
    }

    private void Add(params string[] codes) => _pool.Add(codes.Select(code => new Key(code, 0)));
}
