using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks;

// The counters of clicks belong to the process, so whoever reads them runs alone.
[Collection(nameof(ClickMetrics))]
public sealed class ClickQueueTests
{
    private readonly ClickQueue _queue = new(new ClickOptions { QueueCapacity = 3 });

    [Fact]
    public void Add_Full_DropsTheNewestAndCountsIt()
    {
        var before = ClickMetrics.Dropped.Value;
        for (var i = 0; i < 5; i++)
            _queue.Add(Click(i));

        Assert.Equal(2, ClickMetrics.Dropped.Value - before);
        Assert.Equal(3, _queue.Count);
        for (var i = 0; i < 3; i++)
        {
            Assert.True(_queue.TryPeek(out var next));
            Assert.True(_queue.TryTake(out var click));
            Assert.Equal(Click(i), next);
            Assert.Equal(Click(i), click);
        }

        Assert.False(_queue.TryPeek(out _));
        Assert.False(_queue.TryTake(out _));
    }

    [Fact]
    public void Add_RoomAgain_IsTaken()
    {
        for (var i = 0; i < 4; i++)
            _queue.Add(Click(i));
        _queue.TryTake(out _);
        var before = ClickMetrics.Dropped.Value;

        _queue.Add(Click(9));

        Assert.Equal(before, ClickMetrics.Dropped.Value);
        Assert.Equal(3, _queue.Count);
    }

    private static Click Click(int at) => new("abcd", at, null, null, null, null, null, null, DoNotTrack: false);
}
