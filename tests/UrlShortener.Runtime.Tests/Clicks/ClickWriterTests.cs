using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Tests.Regions;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks;

[Collection(ProcessStateTestGroup.Name)]
public sealed class ClickWriterTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    private readonly ClickOptions _options = new() { QueueCapacity = 10_000, BatchSize = 10 };
    private readonly FakeTimeProvider _time = new(Start);
    private readonly FakeClickStore _store = new();
    private readonly WriteAccess _access = TestRegions.NewAccess();
    private readonly ClickQueue _queue;
    private readonly ClickWriter _writer;

    public ClickWriterTests()
    {
        _queue = new ClickQueue(_options, _access);
        _writer = new ClickWriter(_queue, _store, _store, new ClickEnricher(null), _access, _options, _time, NullLogger<ClickWriter>.Instance);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _writer.Dispose();

    [Fact]
    public async Task Run_Interval_WritesWhatWaitsInBatches()
    {
        await _writer.StartAsync(Token);
        Add(25);

        await Eventually.HoldsAsync(() => _store.Count == 25, Step);

        Assert.All(_store.Batches, batch => Assert.InRange(batch.Count, 1, 10));
        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"{i:0000}"), _store.Codes);
        await _writer.StopAsync(Token);
    }

    [Fact]
    public async Task Run_ClicksComeDuringTheWrite_WaitForTheNextTurn()
    {
        // Written at once, they were a stream of tiny batches that never ended while there was traffic.
        var steps = 0;
        var left = 50;
        _store.OnAppend = () =>
        {
            if (left-- > 0)
                Add(1);
        };
        await _writer.StartAsync(Token);
        Add(1);

        await Eventually.HoldsAsync(
            () => _store.Calls > 0,
            () =>
            {
                steps++;
                Step();
            }
        );

        Assert.InRange(_store.Calls, 1, steps);
        await _writer.StopAsync(Token);
        Assert.Equal(51, _store.Count);
    }

    [Fact]
    public async Task Run_RegionTakesNoWrites_HoldsTheClicksAndWritesThemAfterwards()
    {
        _access.Note(TestRegions.Standby);
        await _writer.StartAsync(Token);
        Add(25);
        for (var i = 0; i < 20; i++)
            Step();
        Assert.Equal((0, 0, 25), (_store.Calls, _store.Count, _queue.Count));

        _access.Note(null);

        await Eventually.HoldsAsync(() => _store.Count == 25, Step);
        await _writer.StopAsync(Token);
    }

    [Fact]
    public async Task Run_BeforeTheInterval_WritesNothing()
    {
        await _writer.StartAsync(Token);
        Add(5);
        _time.Advance(_options.FlushInterval - TimeSpan.FromMilliseconds(1));

        Assert.Equal(0, _store.Count);
        await _writer.StopAsync(Token);
    }

    [Fact]
    public async Task Run_QueueRefillsAsFastAsItIsTaken_WritesOnItsInterval()
    {
        _options.BatchSize = 100_000;
        var isOver = false;
        await _writer.StartAsync(Token);
        var flood = Task.Run(
            () =>
            {
                while (!Volatile.Read(ref isOver))
                    Add(1);
            },
            Token
        );

        await Eventually.HoldsAsync(() => _store.Calls >= 3, Step);

        Volatile.Write(ref isOver, true);
        await flood;
        await _writer.StopAsync(Token);
    }

    [Fact]
    public async Task Run_TextsAreLong_WritesBatchesThatAreBoundedByMemory()
    {
        _options.BatchSize = 100_000;
        await _writer.StartAsync(Token);
        // 20 MB of them; a batch takes a quarter of the 64 MB that may wait.
        for (var i = 0; i < 10_000; i++)
            _queue.Add(Click($"{i:0000}") with { UserAgent = $"{i:0000}".PadRight(HeaderText.Long, 'u') });

        await Eventually.HoldsAsync(() => _store.Count == 10_000, Step);

        Assert.All(_store.Batches, batch => Assert.InRange(batch.Count, 1, 16 * 1_048_576 / (2 * HeaderText.Long)));
        await _writer.StopAsync(Token);
    }

    [Fact]
    public async Task Scrape_WhileTheStoreHangs_TellsWhatWaits()
    {
        _store.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _writer.StartAsync(Token);
        Add(5);
        await Eventually.HoldsAsync(() => _store.Calls == 1, Step);
        Add(20);

        using var scrape = new MemoryStream();
        await Prometheus.Metrics.DefaultRegistry.CollectAndExportAsTextAsync(scrape, Token);

        Assert.Equal(25, ClickMetrics.Waiting.Value);
        _store.Gate.SetResult();
        await _writer.StopAsync(Token);
    }

    [Fact]
    public async Task Run_StoreFails_TriesAgainAndLosesNothing()
    {
        var dropped = ClickMetrics.DroppedAtStop.Value;
        _store.Error = new IOException("down");
        await _writer.StartAsync(Token);
        Add(25);
        await Eventually.HoldsAsync(() => _store.Failures >= 3, Step);
        Add(5, from: 25);

        _store.Error = null;
        await Eventually.HoldsAsync(() => _store.Count == 30, Step);

        Assert.Equal(Enumerable.Range(0, 30).Select(i => $"{i:0000}"), _store.Codes);
        Assert.Equal(dropped, ClickMetrics.DroppedAtStop.Value);
        await _writer.StopAsync(Token);
    }

    [Fact]
    public async Task Run_SaltFails_TriesAgainAndLosesNothing()
    {
        _store.SaltError = new IOException("down");
        await _writer.StartAsync(Token);
        Add(15);
        await Eventually.HoldsAsync(() => _store.Failures >= 2, Step);

        _store.SaltError = null;
        await Eventually.HoldsAsync(() => _store.Count == 15, Step);

        await _writer.StopAsync(Token);
    }

    [Fact]
    public async Task Run_SaltFailsAtMidnight_GoesOnWithTheOneOfTheLastHour()
    {
        var midnight = new DateTimeOffset(Start.UtcDateTime.Date.AddDays(1), TimeSpan.Zero);
        _time.SetUtcNow(midnight.AddMinutes(-50));
        await _writer.StartAsync(Token);
        Add(5);
        await Eventually.HoldsAsync(() => _store.Days.Count == 2, Step);

        _store.SaltError = new IOException("down");
        _time.SetUtcNow(midnight.AddSeconds(1));
        _queue.Add(Click("late") with { At = midnight.ToUnixTimeMilliseconds() });

        await Eventually.HoldsAsync(() => _store.Count == 6, Step);
        Assert.Equal(0, _store.Failures);
        Assert.Equal(DateOnly.FromDateTime(midnight.UtcDateTime), _store.Days[1]);
        await _writer.StopAsync(Token);
    }

    [Fact]
    public async Task Run_ClicksOfTwoDays_AskForEachDaysSaltOnce()
    {
        await _writer.StartAsync(Token);
        Add(4);
        _queue.Add(Click("next") with { At = Start.AddDays(1).ToUnixTimeMilliseconds() });

        await Eventually.HoldsAsync(() => _store.Count == 5, Step);

        Assert.Equal([new DateOnly(2026, 11, 23), new DateOnly(2026, 11, 24)], _store.Days);
        await _writer.StopAsync(Token);
    }

    [Fact]
    public async Task Stop_ClicksWait_WritesThemAll()
    {
        await _writer.StartAsync(Token);
        Add(25);

        await _writer.StopAsync(Token);

        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"{i:0000}"), _store.Codes);
    }

    [Fact]
    public async Task Stop_WhileRetrying_WritesAllOnceTheStoreIsBack()
    {
        _store.Error = new IOException("down");
        await _writer.StartAsync(Token);
        Add(25);
        await Eventually.HoldsAsync(() => _store.Failures >= 1, Step);

        var stop = _writer.StopAsync(Token);
        _store.Error = null;
        await Eventually.HoldsAsync(() => stop.IsCompleted, Step);
        await stop;

        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"{i:0000}"), _store.Codes);
    }

    [Fact]
    public async Task Stop_StoreFailsUntilTheTimeout_CountsTheLoss()
    {
        var dropped = ClickMetrics.DroppedAtStop.Value;
        _store.Error = new IOException("down");
        await _writer.StartAsync(Token);
        Add(25);
        using var timeout = new CancellationTokenSource();

        var stop = _writer.StopAsync(timeout.Token);
        await Eventually.HoldsAsync(() => _store.Failures >= 1, Step);
        await timeout.CancelAsync();
        await stop;

        Assert.Equal(25, ClickMetrics.DroppedAtStop.Value - dropped);
        Assert.Equal(0, _store.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Stop_StoreFailsForSeconds_GivesUpAndCountsTheLoss(bool isSalt)
    {
        var dropped = ClickMetrics.DroppedAtStop.Value;
        if (isSalt)
            _store.SaltError = new IOException("full");
        else
            _store.Error = new IOException("full");
        await _writer.StartAsync(Token);
        Add(25);
        await Eventually.HoldsAsync(() => _store.Failures >= 1, Step);

        // No timeout ends it.
        var stop = _writer.StopAsync(CancellationToken.None);
        await Eventually.HoldsAsync(() => stop.IsCompleted, Step);
        await stop;

        Assert.Equal(25, ClickMetrics.DroppedAtStop.Value - dropped);
        Assert.Equal(0, _store.Count);
    }

    [Fact]
    public async Task Stop_StoreFailsNowAndThen_WritesAll()
    {
        var dropped = ClickMetrics.DroppedAtStop.Value;
        // Each batch succeeds at the eighth attempt: all together take longer than the patience, none by itself does.
        _store.OnAppend = () => _store.Error = _store.Calls % 8 == 0 ? null : new IOException("busy");
        Add(50);
        var started = _time.GetTimestamp();

        var stop = _writer.StopAsync(CancellationToken.None);
        await Eventually.HoldsAsync(() => stop.IsCompleted, Step);
        await stop;

        Assert.Equal(50, _store.Count);
        Assert.Equal(dropped, ClickMetrics.DroppedAtStop.Value);
        Assert.True(_time.GetElapsedTime(started) > ClickWriter.StopPatience);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Stop_StoreFailsInTheMomentOfTheTimeout_CountsTheLoss(bool isSalt)
    {
        var dropped = ClickMetrics.DroppedAtStop.Value;
        using var timeout = new CancellationTokenSource();
        var error = new IOException("down");
        if (isSalt)
            _store.SaltError = error;
        else
            _store.Error = error;
        _store.OnFailure = timeout.Cancel;
        Add(25);

        await _writer.StopAsync(timeout.Token);

        Assert.Equal(25, ClickMetrics.DroppedAtStop.Value - dropped);
        Assert.Equal(1, _store.Failures);
    }

    [Fact]
    public async Task Stop_StoreHangsUntilTheTimeout_EndsAndCountsTheLoss()
    {
        var dropped = ClickMetrics.DroppedAtStop.Value;
        _store.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _writer.StartAsync(Token);
        Add(25);
        await Eventually.HoldsAsync(() => _store.Calls == 1, Step);
        using var timeout = new CancellationTokenSource();

        var stop = _writer.StopAsync(timeout.Token);
        await timeout.CancelAsync();
        await Eventually.HoldsAsync(() => stop.IsCompleted, Step);
        await stop;

        // A batch under way must not be sent a second time.
        Assert.Equal(1, _store.Calls);
        Assert.Equal(25, ClickMetrics.DroppedAtStop.Value - dropped);
        _store.Gate.SetResult();
    }

    [Fact]
    public async Task Stop_StoreIsSlow_WaitsAndWritesEachClickOnce()
    {
        _store.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _writer.StartAsync(Token);
        Add(25);
        await Eventually.HoldsAsync(() => _store.Calls == 1, Step);

        var stop = _writer.StopAsync(Token);
        _store.Gate.SetResult();
        await Eventually.HoldsAsync(() => stop.IsCompleted, Step);
        await stop;

        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"{i:0000}"), _store.Codes);
    }

    private static Click Click(string code) => new(code, Start.ToUnixTimeMilliseconds(), null, null, null, null, null, null, DoNotTrack: false);

    private void Add(int count, int from = 0)
    {
        for (var i = from; i < from + count; i++)
            _queue.Add(Click($"{i:0000}"));
    }

    private void Step() => _time.Advance(_options.FlushInterval);

    private sealed class FakeClickStore : IClickSink, IClickSalts
    {
        private readonly Lock _lock = new();
        private readonly List<List<StoredClick>> _batches = [];
        private readonly List<DateOnly> _days = [];
        private volatile Exception? _error;
        private volatile Exception? _saltError;
        private int _failures;
        private int _calls;

        public Exception? Error
        {
            get => _error;
            set => _error = value;
        }

        public Exception? SaltError
        {
            get => _saltError;
            set => _saltError = value;
        }

        public TaskCompletionSource? Gate { get; set; }

        public Action? OnAppend { get; set; }

        public Action? OnFailure { get; set; }

        public int Failures => Volatile.Read(ref _failures);

        public int Calls => Volatile.Read(ref _calls);

        public int Count => Batches.Sum(batch => batch.Count);

        public IEnumerable<string> Codes => Batches.SelectMany(batch => batch).Select(click => click.ShortCode);

        public IReadOnlyList<DateOnly> Days
        {
            get
            {
                lock (_lock)
                    return [.. _days];
            }
        }

        public IReadOnlyList<List<StoredClick>> Batches
        {
            get
            {
                lock (_lock)
                    return [.. _batches];
            }
        }

        public async Task AppendAsync(Guid batch, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _calls);
            OnAppend?.Invoke();
            if (Gate is { } gate)
                await gate.Task.WaitAsync(cancellationToken);
            Throw(_error);
            lock (_lock)
                _batches.Add([.. clicks]);
        }

        public Task<byte[]> GetSaltAsync(DateOnly day, CancellationToken cancellationToken)
        {
            Throw(_saltError);
            lock (_lock)
                _days.Add(day);
            return Task.FromResult(ClickSalt.Make());
        }

        public Task DeleteSaltsBeforeAsync(DateOnly day, CancellationToken cancellationToken) => throw new NotSupportedException();

        private void Throw(Exception? error)
        {
            if (error is null)
                return;
            Interlocked.Increment(ref _failures);
            OnFailure?.Invoke();
            throw error;
        }
    }
}
