using k8s.Models;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.ControllerRuntime.Events;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Events;

public sealed class EventRecorderTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly EventRecorder _recorder;

    public EventRecorderTests() => _recorder = new EventRecorder(_time);

    [Fact]
    public void Record_SameEventBeforeItIsWritten_IsOneWithACount()
    {
        for (var i = 0; i < 100; i++)
            Record("a", "same");

        Assert.Equal(100, _recorder.Take(Assert.Single(ReadAll())).Count);
    }

    [Fact]
    public void Record_SameEventAfterItWasWritten_ExtendsTheSeries()
    {
        Record("a", "same");
        var first = Assert.Single(ReadAll());
        _recorder.Take(first);
        _time.Advance(TimeSpan.FromMinutes(5));

        Record("a", "same");

        Assert.Same(first, Assert.Single(ReadAll()));
        Assert.Equal(2, _recorder.Take(first).Count);
    }

    [Fact]
    public void Record_SameEventMuchLater_IsANewOne()
    {
        Record("a", "same");
        var first = Assert.Single(ReadAll());
        _recorder.Take(first);
        _time.Advance(TimeSpan.FromMinutes(6));

        Record("a", "same");

        Assert.NotSame(first, Assert.Single(ReadAll()));
    }

    [Fact]
    public void Record_ManyEventsOfOneObject_AreHeldToTheRateAndOthersAreNot()
    {
        for (var i = 0; i < 80; i++)
            Record("a", $"note {i}");
        Record("b", "another object");

        Assert.Equal(51, ReadAll().Count);
        Record("a", "still too many");
        Assert.Empty(ReadAll());
        _time.Advance(TimeSpan.FromMinutes(5));
        Record("a", "one more");
        Record("a", "and no more");
        Assert.Single(ReadAll());
    }

    /// <summary>A region with stores of its own has more than fifty pieces of news while it is made.</summary>
    [Fact]
    public void Record_ManyEventsOfOneReason_CrowdOutNoOther()
    {
        for (var i = 0; i < 80; i++)
            Record("a", $"note {i}");
        Assert.Equal(50, ReadAll().Count);

        Record("a", "moved", "Failover");

        Assert.Equal("Failover", Assert.Single(ReadAll()).Key.Reason);
    }

    private void Record(string name, string note, string reason = "Tested")
    {
        var regarding = new V1ConfigMap
        {
            ApiVersion = "v1",
            Kind = "ConfigMap",
            Metadata = new V1ObjectMeta { Name = name, Uid = name },
        };
        _recorder.Record(regarding, EventSeverity.Normal, reason, "Test", note);
    }

    private List<EventSeries> ReadAll()
    {
        var all = new List<EventSeries>();
        while (_recorder.Queue.TryRead(out var series))
            all.Add(series);
        return all;
    }
}
