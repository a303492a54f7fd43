using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Prometheus;
using UrlShortener.Runtime.Clicks.Publishing;
using UrlShortener.Runtime.Clicks.Spool;
using UrlShortener.Runtime.Configuration;
using UrlShortener.TestHarness.Product;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks.Publishing;

[Collection(ProcessStateTestGroup.Name)]
public sealed class ClickPublisherTests : IAsyncDisposable
{
    private static readonly Delivery Confirmed = FakeProducers.Confirmed;

    private readonly TestFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly FakeProducers _producers = new();
    private readonly ClickSpool _spool;
    private readonly ClickPublisher _publisher;
    private readonly double _published = ClickEventMetrics.Published.Value;

    public ClickPublisherTests()
    {
        _spool = Open();
        _publisher = NewPublisher(_spool);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private double Published => ClickEventMetrics.Published.Value - _published;

    public async ValueTask DisposeAsync()
    {
        _publisher.Dispose();
        // What it tells last must not be taken for what the next test's publisher tells.
        if (_publisher.ExecuteTask is { } running)
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _spool.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Run_EventsAreConfirmed_AreReleasedFromTheSpool()
    {
        _producers.OnSend = _ => Confirmed;
        await _publisher.StartAsync(Token);
        Append(0, 2_000);

        await Eventually.HoldsAsync(() => _spool.Records == 0, Step);

        Assert.Equal(Names(0, 2_000), _producers.Delivered);
        Assert.Equal(2_000, Published);
        await _publisher.StopAsync(Token);
    }

    [Fact]
    public async Task Run_NoReportYet_KeepsTheEventInTheSpool()
    {
        await _publisher.StartAsync(Token);
        Append(0, 3);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 3, Step);

        // The last ones first: none before the oldest is released.
        _producers.Report(isConfirmed: true, waiting => waiting.Skip(1).Reverse());
        Append(3, 1);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 2, Step);
        Assert.Equal(4, _spool.Records);

        _producers.Report(isConfirmed: true, waiting => waiting.Take(1));
        await Eventually.HoldsAsync(() => _spool.Records == 1, Step);

        Assert.Equal(3, Published);
    }

    [Fact]
    public async Task Run_NothingIsConfirmed_SendsABoundedNumber()
    {
        Append(0, 3 * ClickPublisher.MaxOutgoing);
        await _publisher.StartAsync(Token);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == ClickPublisher.MaxOutgoing, Step);
        for (var i = 0; i < 5; i++)
            Step();

        _producers.Report(isConfirmed: true, waiting => waiting.Take(10));
        await Eventually.HoldsAsync(() => _spool.Records == (3 * ClickPublisher.MaxOutgoing) - 10, Step);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == ClickPublisher.MaxOutgoing, Step);

        Assert.Equal(Names(10, ClickPublisher.MaxOutgoing), _producers.Waiting);
    }

    [Fact]
    public async Task Run_SomeFail_SendsThemAgainAndCountsEachOnce()
    {
        await _publisher.StartAsync(Token);
        Append(0, 100);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 100, Step);

        _producers.Report(isConfirmed: true, waiting => waiting.Where((_, i) => i % 2 == 0));
        _producers.Report(isConfirmed: false);
        Append(100, 10);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 60, Step);
        _producers.OnSend = _ => Confirmed;
        _producers.Report(isConfirmed: true);

        await Eventually.HoldsAsync(() => _spool.Records == 0, Step);
        Assert.Equal(110, Published);
        Assert.Equal(Names(0, 110), _producers.Delivered.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Run_AnotherReportOfAnEventThatWasSentAgain_IsNotThatOfALaterEvent()
    {
        await _publisher.StartAsync(Token);
        Append(0, 1);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 1, Step);
        _producers.Report(isConfirmed: false);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 1, Step);
        OutgoingEvent? first = null;
        _producers.Report(isConfirmed: true, waiting => [first = waiting.Single()]);
        await Eventually.HoldsAsync(() => _spool.Records == 0, Step);
        Append(1, 1);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 1, Step);

        _producers.Report(isConfirmed: true, _ => [first!]);
        Append(2, 1);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 2, Step);

        Assert.Equal(2, _spool.Records);
        Assert.Equal(Names(1, 2), _producers.Waiting);
        Assert.Equal(1, Published);
        _producers.Report(isConfirmed: true);
        await Eventually.HoldsAsync(() => _spool.Records == 0, Step);
        await _publisher.StopAsync(Token);
    }

    [Fact]
    public async Task Run_AllFailAfterALongTime_SendsThemAgain()
    {
        await _publisher.StartAsync(Token);
        Append(0, 3);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 3, Step);
        // As the client does with a topic that does not exist.
        _time.Advance(3 * ClickPublisher.Patience);
        _producers.Report(isConfirmed: false);
        Assert.Empty(_producers.Waiting);

        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 3, Step);
        _producers.Report(isConfirmed: true);

        await Eventually.HoldsAsync(() => _spool.Records == 0, Step);
        Assert.Equal(3, Published);
    }

    [Fact]
    public async Task Run_ProducerFailsForGood_AnotherOneSendsWhatHasNoReport()
    {
        await _publisher.StartAsync(Token);
        Append(0, 10);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 10, Step);
        _producers.Report(isConfirmed: true, waiting => waiting.Take(4));

        _producers.Break();
        await Eventually.HoldsAsync(() => _producers.Made == 2 && _producers.Waiting.Count == 6, Step);

        Assert.True(_producers.OnlyLastIsOpen);
        Assert.Equal(Names(4, 6), _producers.Waiting);
        _producers.Report(isConfirmed: true);
        await Eventually.HoldsAsync(() => _spool.Records == 0, Step);
        Assert.Equal(10, Published);
    }

    [Fact]
    public async Task Run_OnePartitionIsSilent_OthersGoOn()
    {
        _producers.OnSend = name => name.EndsWith("00", StringComparison.Ordinal) ? null : Confirmed;
        await _publisher.StartAsync(Token);
        // More than may be without a report at once.
        Append(0, 3 * ClickPublisher.MaxOutgoing);

        await Eventually.HoldsAsync(() => _producers.Delivered.Count + _producers.Waiting.Count == 3 * ClickPublisher.MaxOutgoing, Step);

        Assert.Equal(3 * ClickPublisher.MaxOutgoing / 100, _producers.Waiting.Count);
        // None is released before the oldest one.
        Assert.Equal(3 * ClickPublisher.MaxOutgoing, _spool.Records);
        _producers.Report(isConfirmed: true);
        await Eventually.HoldsAsync(() => _spool.Records == 0, Step);
        Assert.Equal(3 * ClickPublisher.MaxOutgoing, Published);
    }

    [Fact]
    public async Task Run_OneEventIsSilentForLong_ThoseAheadAreBounded()
    {
        _producers.OnSend = name => name == FakeProducers.Name(0) ? null : Confirmed;
        await _publisher.StartAsync(Token);
        Append(0, ClickPublisher.MaxAhead + 1_000);
        await Eventually.HoldsAsync(() => _producers.Delivered.Count == ClickPublisher.MaxAhead - 1, Step);
        for (var i = 0; i < 5; i++)
            Step();
        Assert.Equal(ClickPublisher.MaxAhead - 1, _producers.Delivered.Count);

        _producers.Report(isConfirmed: true);
        await Eventually.HoldsAsync(() => _spool.Records == 0, Step);

        Assert.Equal(ClickPublisher.MaxAhead + 1_000, Published);
    }

    [Fact]
    public async Task Run_FilesOfTheConnectionChange_WhatIsOnItsWayArrivesOnceThenAnotherProducerSends()
    {
        await _publisher.StartAsync(Token);
        Append(0, 10);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 10, Step);
        _producers.IsOutdated = true;
        // Longer than it takes to see it, shorter than the patience with what is on its way.
        for (var i = 0; i < 3; i++)
            Step();
        Append(10, 5);

        _producers.Report(isConfirmed: true);
        await Eventually.HoldsAsync(() => _producers.Made == 2 && _producers.Waiting.Count == 5, Step);

        Assert.True(_producers.OnlyLastIsOpen);
        Assert.Equal(Names(10, 5), _producers.Waiting);
        Assert.Equal(10, Published);
    }

    [Fact]
    public async Task Run_FilesOfABrokenConnectionChange_AnotherProducerSendsWhatHasNoReport()
    {
        await _publisher.StartAsync(Token);
        Append(0, 10);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 10, Step);
        _producers.Fail(FailureKind.Unreachable);
        _producers.Fail(FailureKind.Authentication);
        // After a refused password the client also says that no broker is left.
        _producers.Fail(FailureKind.Unreachable);
        await Eventually.HoldsAsync(() => Failing("authentication") == 1, Step);
        Assert.Equal((0, 0), (Failing("unreachable"), Failing("unconfirmed")));

        _producers.Obstacle = "Kafka:SaslPasswordPath: /password is empty.";
        _producers.IsOutdated = true;
        await Eventually.HoldsAsync(() => Failing("settings") == 1, Step);
        _producers.Obstacle = null;
        await Eventually.HoldsAsync(() => _producers.Made == 2 && _producers.Waiting.Count == 10, Step);
        _producers.Report(isConfirmed: true);

        await Eventually.HoldsAsync(() => _spool.Records == 0, Step);
        Assert.Equal((10, 0, 0), (Published, Failing("authentication"), Failing("settings")));
    }

    [Fact]
    public async Task Run_NoReportForLongAndNothingIsTold_SaysThatNothingIsConfirmed()
    {
        await _publisher.StartAsync(Token);
        Append(0, 1);
        // The record may have waited for long before it is sent.
        await Eventually.HoldsAsync(() => Failing("unconfirmed") == 1 && _producers.Waiting.Count == 1, Step);

        _producers.Report(isConfirmed: true);

        await Eventually.HoldsAsync(() => Failing("unconfirmed") == 0, Step);
    }

    [Fact]
    public void New_AnEarlierPublicationFailed_FailsNoMore()
    {
        ClickEventMetrics.SetFailing(FailureKind.Unconfirmed);

        using var next = NewPublisher(_spool);

        Assert.Equal(0, Failing("unconfirmed"));
    }

    [Fact]
    public async Task Run_SomeOfThoseThatWaitedForLongArrive_TellsOnceThatAllIsWell()
    {
        await _publisher.StartAsync(Token);
        Append(0, 10);
        await Eventually.HoldsAsync(() => Failing("unconfirmed") == 1 && _producers.Waiting.Count == 10, Step);

        _producers.Report(isConfirmed: true, waiting => waiting.Take(5));
        await Eventually.HoldsAsync(() => _spool.Records == 5);
        Assert.Equal(1, Failing("unconfirmed"));

        _producers.Report(isConfirmed: true);
        await Eventually.HoldsAsync(() => Failing("unconfirmed") == 0);
    }

    [Fact]
    public async Task Stop_EventsAreConfirmed_LeavesNothing()
    {
        await _publisher.StartAsync(Token);
        await Eventually.HoldsAsync(() => _producers.Made == 1, Step);
        Append(0, 100);

        var stop = _publisher.StopAsync(Token);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 100);
        _producers.Report(isConfirmed: true);
        await stop;

        Assert.Equal((0, 100), (_spool.Records, Published));
    }

    [Fact]
    public async Task Stop_NothingIsConfirmed_EndsAndTheNextProcessSendsAll()
    {
        await _publisher.StartAsync(Token);
        Append(0, 100);
        await Eventually.HoldsAsync(() => _producers.Waiting.Count == 100, Step);
        _producers.Report(isConfirmed: true, waiting => waiting.Take(30));
        await Eventually.HoldsAsync(() => _spool.Records == 70, Step);

        var stop = _publisher.StopAsync(Token);
        await Eventually.HoldsAsync(() => stop.IsCompleted, Step);
        await stop;
        _spool.Dispose();
        using var spool = Open();
        Assert.Equal(70, spool.Recovered);
        using var next = NewPublisher(spool);
        _producers.OnSend = _ => Confirmed;
        await next.StartAsync(Token);

        await Eventually.HoldsAsync(() => spool.Records == 0, Step);
        Assert.Equal(Names(0, 100), _producers.Delivered);
        Assert.Equal(100, Published);
        await next.StopAsync(Token);
    }

    private static double Failing(string reason) => Metrics.CreateGauge("shortener_click_events_failing", "", "reason").WithLabels(reason).Value;

    private static IEnumerable<string> Names(int from, int count) => Enumerable.Range(from, count).Select(FakeProducers.Name);

    private ClickSpool Open() => ClickSpool.Open(_folder.PathOf("spool"), 64 * 1_048_576, 4_096, NullLogger.Instance);

    private ClickPublisher NewPublisher(ClickSpool spool) => new(spool, _producers, new ClickOptions(), _time, NullLogger<ClickPublisher>.Instance);

    private void Append(int from, int count)
    {
        foreach (var name in Names(from, count))
            Assert.True(_spool.Append("spring"u8, Encoding.ASCII.GetBytes(name)).IsAdded);
        Assert.Equal(0, _spool.Flush());
        _publisher.Wake();
    }

    private void Step() => _time.Advance(ClickPublisher.RetryDelay);
}
