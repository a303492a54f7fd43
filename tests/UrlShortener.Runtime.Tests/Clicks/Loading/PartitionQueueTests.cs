using UrlShortener.Runtime.Clicks.Loading;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks.Loading;

public sealed class PartitionQueueTests
{
    private static readonly LoadLimits Limits = new(Events: 4, Bytes: 1_000_000, Wait: TimeSpan.FromSeconds(2));
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(3);

    private readonly PartitionQueue _queue = new(2);
    private DateTimeOffset _now = LoadSamples.Now;

    [Fact]
    public void TryStart_FewRecords_WaitForOthers()
    {
        PositionAt(10);
        Add(10, 11);
        Assert.Null(Start());

        _now += Limits.Wait;
        var batch = Start()!;

        Assert.Equal((LoadSamples.Topic, 2, 10, 12), (batch.Topic, batch.Partition, batch.From, batch.To));
        Assert.Equal(2, batch.Events.Count);
    }

    [Fact]
    public void TryStart_EnoughRecords_TakesAtMostTheLimit()
    {
        PositionAt(10);
        Add(10, 11, 12, 13, 14);

        Assert.True(_queue.IsFull(Limits));
        Assert.Equal(14, Start()!.To);
        Assert.False(_queue.IsFull(Limits));
    }

    [Fact]
    public void TryStart_FullAndWithoutATurn_WaitsForOneButNotForEver()
    {
        var limits = Limits with { FullWait = TimeSpan.FromSeconds(10) };
        PositionAt(10);
        Add(10, 11, 12, 13);

        _now += TimeSpan.FromSeconds(9);
        Assert.Null(_queue.TryStart(limits, _now));
        _now += TimeSpan.FromSeconds(1);

        Assert.Equal(14, _queue.TryStart(limits, _now)!.To);
    }

    [Fact]
    public void WaitAnew_RecordsThatHaveWaited_WaitForOthersAgain()
    {
        PositionAt(10);
        Add(10, 11);
        _now += Limits.Wait;
        _queue.WaitAnew(_now);

        Assert.Null(Start());
        Add(12, 13);

        Assert.Equal(14, Start()!.To);
    }

    [Fact]
    public void TryStart_OneIsUnderWay_GivesOutNone()
    {
        PositionAt(10);
        Add(10, 11, 12, 13);
        Start();
        Add(14, 15, 16, 17);

        Assert.Null(Start());
        _queue.Complete();

        Assert.Equal((14, 18), (Start()!.From, _queue.Next));
    }

    [Fact]
    public void Fail_Batch_IsGivenOutAgainUnchangedAfterAWhile()
    {
        PositionAt(10);
        Add(10, 11, 12, 13);
        var batch = Start();
        Add(14);

        _queue.Fail(_ => RetryDelay, _now);
        Assert.Null(Start());
        _now += RetryDelay;

        Assert.Same(batch, Start());
    }

    [Fact]
    public void Position_ABatchWasBegun_IsCutAtTheSamePlace()
    {
        PositionAt(10, begunTo: 13);
        Add(10, 11);
        _now += Limits.Wait;
        Assert.Null(Start());

        Add(12, 13, 14);
        var batch = Start()!;

        Assert.Equal((10, 13, 3), (batch.From, batch.To, batch.Events.Count));
        _queue.Complete();
        _now += Limits.Wait;
        Assert.Equal((13, 15), (Start()!.From, _queue.Next));
    }

    // More than is received otherwise, because the process has more partitions than the one that began it.
    [Fact]
    public void IsFull_ABatchWasBegun_IsReceivedWhole()
    {
        PositionAt(10, begunTo: 16);
        var limits = Limits with { Bytes = 1 };
        Add(10, 11, 12, 13, 14);
        Assert.False(_queue.IsFull(limits));

        Add(15);

        Assert.True(_queue.IsFull(limits));
        Assert.Equal((10, 16), (_queue.TryStart(limits, _now)!.From, _queue.Next));
    }

    // Kafka deleted them in between.
    [Fact]
    public void Position_RecordsOfABegunBatchAreGone_IsCutAtTheSamePlaceWithoutThem()
    {
        PositionAt(10, begunTo: 13);
        Add(20);

        var batch = Start()!;

        Assert.Equal((10, 13, 0), (batch.From, batch.To, batch.Events.Count));
        _queue.Complete();
        _now += Limits.Wait;
        var next = Start()!;
        Assert.Equal((13, 21, 1), (next.From, next.To, next.Events.Count));
    }

    [Fact]
    public void Skip_RecordsAreGone_IsABatchWithoutThem()
    {
        PositionAt(10);
        Assert.Equal(20, _queue.Skip(30, _now));
        Assert.Equal(0, _queue.Skip(25, _now));
        Assert.Null(Start());

        _now += Limits.Wait;
        var batch = Start()!;

        Assert.Equal((10, 30, 0), (batch.From, batch.To, batch.Events.Count));
        _queue.Complete();
        _now += Limits.Wait;
        Assert.Null(Start());
    }

    [Fact]
    public void Skip_BehindRecordsThatWait_IsOfTheirBatch()
    {
        PositionAt(10);
        Add(10, 11);
        _queue.Skip(30, _now);
        Add(30, 31, 32);

        var first = Start()!;
        _queue.Complete();
        _now += Limits.Wait;

        Assert.Equal((10, 32), (first.From, first.To));
        Assert.Equal((32, 33), (_queue.TryStart(Limits, _now)!.From, _queue.Next));
    }

    [Fact]
    public void Add_RecordBeforeTheLast_IsRefused()
    {
        PositionAt(10);
        Add(10, 11);

        Assert.False(_queue.Add(LoadSamples.NewEvent(11), _now));
        Assert.True(_queue.Add(LoadSamples.NewEvent(15), _now));
    }

    [Fact]
    public void IsFull_MemoryIsUsedUp_CountsTheBatchUnderWay()
    {
        PositionAt(10);
        var limits = Limits with { Bytes = LoadSamples.NewEvent(10).ApproximateBytes + 1 };
        Add(10);
        Assert.False(_queue.IsFull(limits));
        Add(11);
        Assert.True(_queue.IsFull(limits));

        _queue.TryStart(limits, _now);
        Assert.True(_queue.IsFull(limits));
        _queue.Complete();

        Assert.False(_queue.IsFull(limits));
        Assert.Equal(0, _queue.Bytes);
    }

    [Fact]
    public void Forget_WhatWaits_IsReceivedAgain()
    {
        PositionAt(10);
        Add(10, 11, 12, 13);

        _queue.Forget();

        Assert.False(_queue.IsPositioned);
        Assert.Null(Start());
        Assert.Equal(0, _queue.Bytes);
        PositionAt(12);
        Add(12, 13, 14, 15);
        Assert.Equal(12, Start()!.From);
    }

    [Fact]
    public void OldestClick_IsTheFirstThatIsNotLoaded()
    {
        PositionAt(10);
        Assert.Null(_queue.OldestClick);
        _queue.Add(LoadSamples.NewEvent(10, at: LoadSamples.Now.AddSeconds(-7)), _now);
        Add(11, 12, 13);
        Start();

        Assert.Equal(LoadSamples.Now.AddSeconds(-7), _queue.OldestClick);
        _queue.Complete();
        Assert.Null(_queue.OldestClick);
    }

    [Fact]
    public void OldestClick_FirstRecordIsNoEvent_IsThatOfTheFirstEvent()
    {
        PositionAt(10);
        _queue.Add(LoadSamples.NewPoison(10), _now);

        Assert.Null(_queue.OldestClick);
        Add(11);
        Assert.Equal(LoadSamples.Now, _queue.OldestClick);
        _now += Limits.Wait;
        Start();
        _queue.Add(LoadSamples.NewEvent(12, at: LoadSamples.Now.AddSeconds(1)), _now);
        Assert.Equal(LoadSamples.Now, _queue.OldestClick);
    }

    private void PositionAt(long next, long? begunTo = null) => _queue.Position(LoadSamples.Topic, new LoadPosition(next, begunTo));

    private void Add(params long[] offsets)
    {
        foreach (var offset in offsets)
            Assert.True(_queue.Add(LoadSamples.NewEvent(offset), _now));
    }

    private EventBatch? Start() => _queue.TryStart(Limits, _now);
}
