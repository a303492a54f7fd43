using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Caching;
using Xunit;

namespace UrlShortener.Runtime.Tests.Caching;

public sealed class BoundedMemoryCacheTests : IDisposable
{
    private const int Capacity = 1_000;

    private readonly FakeTimeProvider _time = new();
    private readonly BoundedMemoryCache _cache;

    public BoundedMemoryCacheTests() => _cache = new BoundedMemoryCache(Capacity, _time);

    public void Dispose() => _cache.Dispose();

    [Fact]
    public void Get_NewestValue_IsThereUntilRemoved()
    {
        _cache.Set("a", 1);
        _cache.Set("a", 2);

        Assert.Equal(2, _cache.Get<int>("a"));
        Assert.False(_cache.TryGetValue("b", out _));
        _cache.Remove("a");
        _cache.Remove("a");
        Assert.False(_cache.TryGetValue("a", out _));
    }

    [Fact]
    public void Get_PastItsTime_IsGone()
    {
        _cache.Set("at", 1, _time.GetUtcNow().AddSeconds(10));
        _cache.Set("after", 1, TimeSpan.FromSeconds(10));

        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.True(_cache.TryGetValue("at", out _) && _cache.TryGetValue("after", out _));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(_cache.TryGetValue("at", out _) || _cache.TryGetValue("after", out _));
    }

    [Fact]
    public void Set_BeyondTheCapacity_KeepsTheNewestAndWhatIsUsed()
    {
        _cache.Set("used", 0);
        for (var i = 1; i <= 20 * Capacity; i++)
        {
            _cache.Set($"code{i}", i);
            // At once, whatever had to go for it.
            Assert.Equal(i, _cache.Get<int>($"code{i}"));
            Assert.True(_cache.TryGetValue("used", out _), $"An entry that is used all the time went at number {i}.");
        }

        Assert.InRange(_cache.Count, Capacity / 2, Capacity + 1);
    }

    [Fact]
    public void Set_SlidingExpiration_IsNotSupported() =>
        Assert.Throws<NotSupportedException>(() => _cache.Set("a", 1, new MemoryCacheEntryOptions { SlidingExpiration = TimeSpan.FromSeconds(1) }));
}
