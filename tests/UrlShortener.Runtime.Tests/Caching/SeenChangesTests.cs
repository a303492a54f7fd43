using UrlShortener.Runtime.Caching;
using Xunit;

namespace UrlShortener.Runtime.Tests.Caching;

public sealed class SeenChangesTests
{
    [Fact]
    public void TryAdd_SeenBefore_IsFalse()
    {
        var seen = new SeenChanges();
        Assert.True(seen.TryAdd(1, TimeSpan.Zero));
        Assert.False(seen.TryAdd(1, TimeSpan.Zero));
        Assert.True(seen.TryAdd(2, TimeSpan.Zero));
    }

    [Fact]
    public void Forget_PastTheOverlap_ForgetsTheOldOnly()
    {
        var seen = new SeenChanges();
        seen.TryAdd(1, TimeSpan.Zero);
        seen.TryAdd(2, TimeSpan.FromSeconds(15));

        seen.Forget(TimeSpan.FromSeconds(20));
        Assert.Equal(2, seen.Count);
        seen.Forget(TimeSpan.FromSeconds(21));
        Assert.Equal(1, seen.Count);
        Assert.False(seen.TryAdd(2, TimeSpan.FromSeconds(21)));
    }

    [Fact]
    public void TryAdd_PastTheBound_ForgetsTheOldest()
    {
        var seen = new SeenChanges(capacity: 2);
        for (var id = 1; id <= 3; id++)
            seen.TryAdd(id, TimeSpan.Zero);

        Assert.Equal(2, seen.Count);
        Assert.True(seen.TryAdd(1, TimeSpan.Zero));
        Assert.False(seen.TryAdd(3, TimeSpan.Zero));
    }
}
