using UrlShortener.Runtime.Clicks.Events;
using UrlShortener.Runtime.Clicks.Loading;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks.Loading;

public sealed class SortedBatchTests
{
    private static readonly Dictionary<Guid, LoadedFrom> None = [];

    [Fact]
    public void Sort_NewEvents_AreInsertedAndCounted()
    {
        var sorted = Sort(None, LoadSamples.NewEvent(5), LoadSamples.NewEvent(6));

        Assert.Equal([5, 6], sorted.New.Select(click => click.Event.Offset));
        Assert.Equal(2, sorted.Counted.Count);
        Assert.Equal((0, 0), (sorted.Rejected.Count, sorted.Duplicates));
    }

    [Fact]
    public void Sort_SameEventTwiceInTheBatch_CountsOnce()
    {
        var sorted = Sort(None, LoadSamples.NewEvent(5, number: 1), LoadSamples.NewEvent(6, number: 1));

        Assert.Equal(5, Assert.Single(sorted.New).Event.Offset);
        Assert.Single(sorted.Counted);
        Assert.Equal(1, sorted.Duplicates);
    }

    [Fact]
    public void Sort_EventWasLoadedFromAnotherPlace_IsADuplicate()
    {
        var again = LoadSamples.NewEvent(6);

        foreach (var from in (LoadedFrom[])[new(LoadSamples.Topic, 2, 5), new(LoadSamples.Topic, 1, 6), new(Guid.NewGuid(), 2, 6)])
        {
            var sorted = Sort(new() { [again.Id] = from }, again);

            Assert.Equal((0, 0, 1, 0), (sorted.New.Count, sorted.Counted.Count, sorted.Duplicates, sorted.Inserted));
        }
    }

    [Fact]
    public void Sort_EventWasLoadedFromThisPlace_IsCountedAndNotInserted()
    {
        var again = LoadSamples.NewEvent(6);

        var sorted = Sort(new() { [again.Id] = new LoadedFrom(LoadSamples.Topic, 2, 6) }, again);

        Assert.Equal((0, 1, 0, 1), (sorted.New.Count, sorted.Counted.Count, sorted.Duplicates, sorted.Inserted));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Sort_ClickThatTheStoreCounted_IsNotCountedAgain(bool isLoaded)
    {
        var counted = LoadSamples.NewEvent(6) with { IsCounted = true };

        var sorted = Sort(isLoaded ? new() { [counted.Id] = new LoadedFrom(LoadSamples.Topic, 2, 6) } : None, counted);

        Assert.Equal((isLoaded ? 0 : 1, 0), (sorted.New.Count, sorted.Counted.Count));
    }

    [Fact]
    public void Sort_NoEvent_IsRejectedWithItsBytes()
    {
        var sorted = Sort(None, LoadSamples.NewPoison(5), LoadSamples.NewEvent(6), LoadSamples.NewPoison(7));

        Assert.Equal([5, 7], sorted.Rejected.Select(rejected => rejected.Offset));
        Assert.Equal([1, 2, 3], sorted.Rejected[0].Rejected!.Value);
        Assert.Single(sorted.New);
    }

    [Theory]
    [InlineData(-29 * 24 * 60, true)]
    [InlineData((-29 * 24 * 60) - 1, false)]
    [InlineData(60, true)]
    [InlineData(61, false)]
    [InlineData(-365 * 24 * 60, false)]
    public void Sort_ClickOfAnotherTime_IsLoadedWithinBounds(int minutes, bool isLoaded)
    {
        var sorted = Sort(None, LoadSamples.NewEvent(5, at: LoadSamples.Now.AddMinutes(minutes)));

        Assert.Equal(isLoaded ? (1, 1, 0) : (0, 0, 1), (sorted.New.Count, sorted.Counted.Count, sorted.Rejected.Count));
        if (isLoaded)
            return;
        var rejected = sorted.Rejected[0].Rejected!;
        Assert.Equal(SortedBatch.TimeOutOfRange, rejected.Reason);
        // The whole event is kept, for whoever wants to load it all the same.
        Assert.Null(new ClickEventReader().Read(rejected.Value, out var id, out _, out _));
        Assert.Equal(sorted.Rejected[0].Id, id);
    }

    [Fact]
    public void Id_OfABatch_DiffersByTopicPartitionOffsetsAndEvents()
    {
        var batch = LoadSamples.NewBatch(LoadSamples.NewEvent(5), LoadSamples.NewEvent(6));
        EventBatch[] others =
        [
            batch with
            {
                Topic = Guid.NewGuid(),
            },
            batch with
            {
                Partition = 3,
            },
            batch with
            {
                From = 4,
            },
            batch with
            {
                To = 8,
            },
            // A log that lost its end.
            batch with
            {
                Events = [LoadSamples.NewEvent(5, number: 7), LoadSamples.NewEvent(6)],
            },
        ];

        Assert.Equal(batch.Id, (batch with { Events = [.. batch.Events] }).Id);
        Assert.Equal(6, others.Append(batch).Select(other => other.Id).Distinct().Count());
    }

    private static SortedBatch Sort(Dictionary<Guid, LoadedFrom> loaded, params IReadOnlyList<IncomingEvent> events) =>
        SortedBatch.Sort(LoadSamples.NewBatch(events), loaded, new SourceLimit(), LoadSamples.Now);
}
