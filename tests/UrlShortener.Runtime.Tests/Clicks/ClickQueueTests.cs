using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Tests.Regions;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks;

[Collection(ProcessStateTestGroup.Name)]
public sealed class ClickQueueTests
{
    private readonly WriteAccess _access = TestRegions.NewAccess();
    private readonly ClickQueue _queue;

    public ClickQueueTests() => _queue = new ClickQueue(new ClickOptions { QueueCapacity = 3 }, _access);

    [Fact]
    public void Add_Full_DropsTheNewestAndCountsIt()
    {
        var before = ClickMetrics.DroppedAtQueue.Value;
        for (var i = 0; i < 5; i++)
            _queue.Add(Click(i));

        Assert.Equal(2, ClickMetrics.DroppedAtQueue.Value - before);
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
    public void Add_FullInAReadOnlyRegion_DropsAndCountsUnderThatReason()
    {
        _access.Note(TestRegions.Standby);
        var (full, readOnly) = (ClickMetrics.DroppedAtQueue.Value, ClickMetrics.DroppedInReadOnlyRegion.Value);

        for (var i = 0; i < 5; i++)
            _queue.Add(Click(i));

        Assert.Equal(3, _queue.Count);
        Assert.Equal((0, 2), (ClickMetrics.DroppedAtQueue.Value - full, ClickMetrics.DroppedInReadOnlyRegion.Value - readOnly));
    }

    [Fact]
    public void Add_RoomAgain_IsTaken()
    {
        for (var i = 0; i < 4; i++)
            _queue.Add(Click(i));
        _queue.TryTake(out _);
        var before = ClickMetrics.DroppedAtQueue.Value;

        _queue.Add(Click(9));

        Assert.Equal(before, ClickMetrics.DroppedAtQueue.Value);
        Assert.Equal(3, _queue.Count);
    }

    [Fact]
    public void Add_TextsFillTheMemoryAllowed_DropsAndCountsTheRestUntilSomeAreTaken()
    {
        var queue = new ClickQueue(new ClickOptions { QueueBytes = 1_048_576 }, _access);
        var before = ClickMetrics.DroppedAtQueue.Value;
        var click = Click(0) with { UserAgent = new string('u', HeaderText.Long), Referrer = new string('r', HeaderText.Long) };

        for (var i = 0; i < 1_000; i++)
            queue.Add(click);

        // A click of the longest texts takes a little more than 4 KiB.
        Assert.InRange(queue.Count, 200, 256);
        Assert.InRange(queue.Bytes, 0, 1_048_576);
        Assert.Equal(1_000 - queue.Count, ClickMetrics.DroppedAtQueue.Value - before);
        var count = queue.Count;
        Assert.True(queue.TryTake(out _));
        queue.Add(click);
        Assert.Equal(count, queue.Count);
        while (queue.TryTake(out _)) { }

        Assert.Equal(0, queue.Bytes);
    }

    private static Click Click(int at) => new("abcd", at, null, null, null, null, null, null, DoNotTrack: false);
}
