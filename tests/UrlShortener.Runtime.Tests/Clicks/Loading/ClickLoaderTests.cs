using System.Collections.Concurrent;
using System.Numerics;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks.Loading;

/// <summary>The whole loop of the load, on servers that the test plays.</summary>
[Collection(ProcessStateTestGroup.Name)]
public sealed class ClickLoaderTests : IAsyncDisposable
{
    // More than have a turn at a time.
    private const int Partitions = 6;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);

    private readonly FakeTimeProvider _time = new(LoadSamples.Now);
    private readonly WriteAccess _access = new(NullLogger<WriteAccess>.Instance);
    private readonly ClickOptions _options = new() { LoadBatchSize = 100, LoadInterval = TimeSpan.FromSeconds(1) };
    private readonly List<Loader> _loaders = [];
    private readonly List<Guid> _sent = [];
    private readonly LoadWorld _world;
    private int _number;

    // Of a batch that does not end. Tests of one that ends give it all the time that it needs.
    private TimeSpan _patience = TimeSpan.FromMilliseconds(50);

    public ClickLoaderTests() => _world = new LoadWorld(Partitions, _time);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var loader in _loaders)
            await loader.DisposeAsync();
    }

    [Fact]
    public async Task Run_Events_AreLoadedOnceAndTold()
    {
        Send(1_000);
        _world.SendMarker(1);
        var loader = await StartAsync();

        await UntilAllAreLoadedAsync(except: 1);

        await UntilAsync(() => loader.Consumer.NotedOf(0) == _world.HighOf(0));
        await UntilAsync(() => LoadMetrics.Failing.Value == 0);
        Send(10);
        await UntilAllAreLoadedAsync();
        // The record behind the marker is loaded, and with it the marker is passed.
        Assert.Equal(_world.HighOf(1), _world.PositionOf(1)!.Value.Next);
    }

    // Each step to a server, as if the request had not arrived, or the answer.
    public static TheoryData<LoadStep, bool> Faults()
    {
        var data = new TheoryData<LoadStep, bool>();
        foreach (var step in Enum.GetValues<LoadStep>())
        {
            data.Add(step, true);
            data.Add(step, false);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Run_AStepFails_EachEventIsLoadedOnce(LoadStep step, bool before)
    {
        var failures = 0;
        Task Fail(LoadStep at) =>
            at == step && Interlocked.Increment(ref failures) <= 3 ? throw new DependencyException($"{step} is broken off.") : Task.CompletedTask;
        if (before)
            _world.Before = (at, _) => Fail(at);
        else
            _world.After = (at, _) => Fail(at);
        Send(500);
        _world.SendPoison(2);
        await StartAsync();

        await UntilAllAreLoadedAsync();

        Assert.True(failures > 3);
        Assert.Equal(["not_json"], _world.Letters.Distinct());
        await UntilAsync(() => LoadMetrics.Failing.Value == 0);
    }

    [Fact]
    public async Task Run_InsertFails_TellsUntilItWorks()
    {
        var failures = LoadMetrics.Failures.Value;
        var works = false;
        _world.Before = (step, _) => step == LoadStep.Insert && !Volatile.Read(ref works) ? throw new DependencyException("away") : Task.CompletedTask;
        await StartAsync();
        Send(10);

        await UntilAsync(() => LoadMetrics.Failing.Value == 1 && LoadMetrics.Failures.Value >= failures + 3);
        Assert.Empty(_world.Clicks);
        Volatile.Write(ref works, true);
        await UntilAllAreLoadedAsync();

        await UntilAsync(() => LoadMetrics.Failing.Value == 0);
    }

    // As clients report it that the time for a connection is over.
    [Theory]
    [InlineData(LoadStep.Insert)]
    [InlineData(LoadStep.Read)]
    public async Task Run_AStepIsCancelledByALimitOfItsOwn_TellsUntilItWorks(LoadStep limited)
    {
        var works = false;
        _world.Before = (step, _) =>
            step == limited && !Volatile.Read(ref works) ? throw new TaskCanceledException("late", new TimeoutException()) : Task.CompletedTask;
        await StartAsync();
        Send(10);

        await UntilAsync(() => LoadMetrics.Failing.Value == 1);
        Volatile.Write(ref works, true);
        await UntilAllAreLoadedAsync();

        await UntilAsync(() => LoadMetrics.Failing.Value == 0);
    }

    [Fact]
    public async Task Run_LargeRecords_AreReceivedUpToTheMemory()
    {
        const int bytes = 100_000;
        _options.LoadBytes = 4 * 1_048_576;
        using var held = new Hold(_world, LoadStep.Letters);
        var loader = await StartAsync();
        Send(1, partition: 0);
        await UntilAllAreLoadedAsync();
        var before = loader.Consumer.Received[0];
        for (var i = 0; i < 200; i++)
            _world.SendPoison(0, bytes);

        await UntilAsync(() => held.IsReached && loader.Consumer.IsPaused(0));
        // As much as it may have, which is less than a quarter of the memory, and what comes before it is paused.
        Assert.InRange((loader.Consumer.Received[0] - before) * bytes, 1, (_options.LoadBytes / 4) + (2 * 1_048_576) + bytes);
        held.Release();

        await UntilAllAreLoadedAsync();
        Assert.Equal(200, _world.Letters.Count);
    }

    [Fact]
    public async Task Run_ClockIsSetBack_WaitsAsLongAsBefore()
    {
        var clock = new ClockThatIsSetBack(_time);
        var loader = NewLoader(clock);
        await loader.StartAsync();
        Send(10);
        await UntilAllAreLoadedAsync();
        Send(10);
        await UntilAsync(() => LoadMetrics.Lag.Value > 0);

        clock.Back = TimeSpan.FromDays(1);

        await UntilAllAreLoadedAsync();
    }

    [Fact]
    public async Task Run_DeadLettersAreRefused_OnlyTheirPartitionWaits()
    {
        var works = false;
        _world.Before = (step, _) =>
            step == LoadStep.Letters && !Volatile.Read(ref works) ? throw new DependencyException("no such topic") : Task.CompletedTask;
        _world.SendPoison(1);
        await StartAsync();
        Send(300);

        await UntilAllAreLoadedAsync(except: 1);
        Assert.Empty(_world.Letters);
        await UntilAsync(() => LoadMetrics.Failing.Value == 1);
        Volatile.Write(ref works, true);
        await UntilAllAreLoadedAsync();

        Assert.Equal(["not_json"], _world.Letters);
    }

    [Fact]
    public async Task Run_WarehouseIsSlow_PausesAndGoesOn()
    {
        using var slow = new Hold(_world, LoadStep.Insert);
        var loader = await StartAsync();
        Send(30_000, partition: 0);

        await UntilAsync(() => loader.Consumer.IsPaused(0));
        await UntilAsync(() => slow.IsReached);
        var received = loader.Consumer.Received[0];
        Assert.InRange(received, 1, 10_000);
        // Nothing more comes, however much time passes.
        var turns = 0;
        await UntilAsync(() => turns++ > 50);
        Assert.Equal(received, loader.Consumer.Received[0]);
        slow.Release();

        await UntilAllAreLoadedAsync();
        await UntilAsync(() => !loader.Consumer.IsPaused(0));
    }

    [Fact]
    public async Task Release_InMidBatch_WaitsForItsEnd()
    {
        _patience = TimeSpan.FromMinutes(5);
        using var held = new Hold(_world, LoadStep.Insert);
        var first = await StartAsync();
        var second = await StartAsync(hasAll: false);
        Send(50, partition: 0);
        await UntilAsync(() => held.IsReached);

        _world.Assign(0, second.Consumer);
        Send(50, partition: 0);
        held.Release();
        await UntilAllAreLoadedAsync();

        // The first has told Kafka of its batch, and the second found it done.
        Assert.Equal(50, first.Consumer.NotedOf(0));
        await UntilAsync(() => second.Consumer.NotedOf(0) == 100);
        Assert.Equal(2, _world.Pieces);
    }

    [Fact]
    public async Task Release_BatchDoesNotEnd_IsBrokenOffAndFinishedByTheOther()
    {
        using var held = new Hold(_world, LoadStep.Insert);
        await StartAsync();
        var second = await StartAsync(hasAll: false);
        Send(50, partition: 0);
        await UntilAsync(() => held.IsReached);

        _world.Assign(0, second.Consumer);
        await held.CancelledAsync();
        Send(50, partition: 0);
        held.Release();

        await UntilAllAreLoadedAsync();
        await UntilAsync(() => second.Consumer.NotedOf(0) == 100);
    }

    // It stood still and did not hear that others have its partition.
    [Theory]
    [InlineData(LoadStep.Begin)]
    [InlineData(LoadStep.Find)]
    [InlineData(LoadStep.Insert)]
    [InlineData(LoadStep.Note)]
    [InlineData(LoadStep.Complete)]
    public async Task Run_AnotherTookThePartition_EachEventIsLoadedOnce(LoadStep step)
    {
        using var held = new Hold(_world, step);
        var first = await StartAsync();
        Send(50, partition: 0);
        await UntilAsync(() => held.IsReached);
        var second = await StartAsync(hasAll: false);

        held.IsOnce = true;
        _world.Steal(0, second.Consumer);
        Send(50, partition: 0);
        await UntilAllAreLoadedAsync();
        held.Release();
        Send(50, partition: 0);

        // Both have it, until the first hears of it.
        await UntilAllAreLoadedAsync();
        first.Consumer.Lose(0);
        Send(50, partition: 0);
        await UntilAllAreLoadedAsync();
        await UntilAsync(() => second.Consumer.NotedOf(0) == 200);
    }

    [Fact]
    public async Task Lose_InMidBatch_OtherPartitionsGoOn()
    {
        using var held = new Hold(_world, LoadStep.Insert);
        held.IsOnce = true;
        var first = await StartAsync();
        Send(50, partition: 0);
        await UntilAsync(() => held.IsReached);

        Send(50, partition: 1);
        await UntilAsync(() => _world.PositionOf(1)?.Next == 50);
        first.Consumer.Lose(0);
        await held.CancelledAsync();
        Send(50, partition: 2);

        await UntilAllAreLoadedAsync(except: 0);
        var second = await StartAsync(hasAll: false);
        _world.Assign(0, second.Consumer);
        await UntilAllAreLoadedAsync();
    }

    [Fact]
    public async Task Stop_InMidBatch_FinishesIt()
    {
        _patience = TimeSpan.FromMinutes(5);
        using var held = new Hold(_world, LoadStep.Insert);
        var loader = await StartAsync();
        Send(50, partition: 0);
        await UntilAsync(() => held.IsReached);

        var stop = loader.StopAsync();
        held.Release();
        await stop;

        Assert.True(loader.Consumer.IsClosed);
        Assert.Equal(new LoadPosition(50, null), _world.PositionOf(0));
        Assert.Equal(50, loader.Consumer.NotedOf(0));
    }

    [Fact]
    public async Task Stop_BatchDoesNotEnd_LeavesItToTheNext()
    {
        using var held = new Hold(_world, LoadStep.Insert);
        var loader = await StartAsync();
        Send(50, partition: 0);
        await UntilAsync(() => held.IsReached);

        await loader.StopAsync();

        Assert.Equal(new LoadPosition(0, 50), _world.PositionOf(0));
        held.Release();
        Send(50, partition: 0);
        await StartAsync();
        await UntilAllAreLoadedAsync();
    }

    [Fact]
    public async Task Run_RegionTakesNoChanges_LeavesItsPartitions()
    {
        var works = true;
        _world.Before = (step, _) => step == LoadStep.Begin && !Volatile.Read(ref works) ? throw new DependencyException("away") : Task.CompletedTask;
        var loader = await StartAsync();
        Send(50);
        await UntilAllAreLoadedAsync();
        // As when the region loses its primary.
        Volatile.Write(ref works, false);
        Send(50);
        await UntilAsync(() => LoadMetrics.Failing.Value == 1 && LoadMetrics.Delay.Value > 0);

        _access.Note(new ReadOnlyRegion(ReadOnlyReason.Standby, "other", 2, TimeSpan.Zero));
        await UntilAsync(() => loader.Consumer.IsClosed);
        await UntilAsync(() => (LoadMetrics.Partitions.Value, LoadMetrics.Failing.Value, LoadMetrics.Lag.Value, LoadMetrics.Delay.Value) == (0, 0, 0, 0));
        Send(50);
        Volatile.Write(ref works, true);
        _access.Note(null);

        await UntilAllAreLoadedAsync();
        Assert.Equal(2, loader.Consumers.Made);
    }

    [Fact]
    public async Task Run_ConsumerFailsForGood_IsReplaced()
    {
        var loader = await StartAsync();
        Send(50);
        await UntilAllAreLoadedAsync();

        loader.Consumer.Failure = "fenced";
        await UntilAsync(() => loader.Consumers.Made == 2);
        Send(50);

        await UntilAllAreLoadedAsync();
    }

    [Fact]
    public async Task Run_NoConsumerCanBeMade_TellsAndTriesAgain()
    {
        var loader = NewLoader();
        loader.Consumers.Obstacle = "no such file";
        await loader.StartAsync();
        Send(50);
        await UntilAsync(() => LoadMetrics.Failing.Value == 1);

        loader.Consumers.Obstacle = null;

        await UntilAllAreLoadedAsync();
        await UntilAsync(() => LoadMetrics.Failing.Value == 0);
    }

    [Fact]
    public async Task Run_ConsumerThrows_IsReplaced()
    {
        var loader = await StartAsync();
        Send(50);
        await UntilAllAreLoadedAsync();

        loader.Consumer.Error = new InvalidOperationException("a fault of the client");
        await UntilAsync(() => loader.Consumers.Made == 2);
        Send(50);

        await UntilAllAreLoadedAsync();
    }

    // A batch ends after its client, which cannot be told any more.
    [Fact]
    public async Task Run_ConsumerEndsSilentlyInMidBatch_IsReplaced()
    {
        _patience = TimeSpan.FromMinutes(5);
        using var held = new Hold(_world, LoadStep.Insert);
        var loader = await StartAsync();
        Send(50, partition: 0);
        await UntilAsync(() => held.IsReached);

        var first = loader.Consumer;
        (first.EndsSilently, first.Failure) = (true, "fenced");
        await UntilAsync(() => first.IsClosed);
        held.Release();
        Send(50);

        await UntilAllAreLoadedAsync();
        Assert.Equal(2, loader.Consumers.Made);
    }

    [Fact]
    public async Task Run_ClientCannotSeekYet_TriesAgain()
    {
        var loader = NewLoader();
        loader.Consumers.HasAll = false;
        await loader.StartAsync();
        await UntilAsync(() => loader.Consumers.Last is not null);
        loader.Consumer.RefusedStarts = 2;
        Send(50, partition: 0);

        _world.Assign(0, loader.Consumer);

        await UntilAllAreLoadedAsync();
    }

    [Fact]
    public async Task Run_TopicIsMadeAnew_BeginsAtItsStart()
    {
        await StartAsync();
        Send(300);
        await UntilAllAreLoadedAsync();

        _world.MakeAnew();
        Send(900);

        await UntilAllAreLoadedAsync();
    }

    [Fact]
    public async Task Run_LogLostItsEnd_GoesOnAtItsEnd()
    {
        var first = await StartAsync();
        Send(100, partition: 0);
        await UntilAllAreLoadedAsync();
        await first.StopAsync();
        _world.Shorten(0, 40);
        Send(10, partition: 0);

        var second = await StartAsync();
        await UntilAsync(() => LoadMetrics.Failing.Value == 1);
        Assert.Equal(100, _world.PositionOf(0)!.Value.Next);
        // To where it ended when that was noticed.
        await UntilAsync(() => _world.PositionOf(0)!.Value.Next == 50);
        Send(10, partition: 0);

        await UntilAsync(() => _world.PositionOf(0)!.Value.Next == 60);
        await UntilAsync(() => LoadMetrics.Failing.Value == 0);
        await second.StopAsync();
        Assert.Equal(110, _world.Clicks.Count);
    }

    [Fact]
    public async Task Run_LogLostTheEndOfABegunBatch_LoadsWhatIsLeftOfIt()
    {
        using var held = new Hold(_world, LoadStep.Insert);
        var first = await StartAsync();
        Send(50, partition: 0);
        await UntilAsync(() => held.IsReached);
        await first.StopAsync();
        Assert.Equal(new LoadPosition(0, 50), _world.PositionOf(0));
        held.Release();
        _world.Shorten(0, 20);

        await StartAsync();

        await UntilAsync(() => _world.PositionOf(0) == new LoadPosition(20, null));
        Assert.Equal(20, _world.Clicks.Count);
    }

    [Fact]
    public async Task Run_RetentionPassedThePosition_IsCounted()
    {
        var expired = LoadMetrics.Expired.Value;
        var first = await StartAsync();
        Send(100, partition: 0);
        await UntilAllAreLoadedAsync();
        await first.StopAsync();
        Send(100, partition: 0);
        _world.Expire(0, 130);

        await StartAsync();

        await UntilAsync(() => _world.PositionOf(0)!.Value.Next == 200);
        Assert.Equal(30, LoadMetrics.Expired.Value - expired);
        Assert.Equal(170, _world.Clicks.Count);
    }

    // Nothing is left, so no record tells of it.
    [Fact]
    public async Task Run_RetentionPassedAll_IsCountedAndLeavesNoLag()
    {
        var expired = LoadMetrics.Expired.Value;
        var first = await StartAsync();
        Send(100, partition: 0);
        await UntilAllAreLoadedAsync();
        await first.StopAsync();
        Send(100, partition: 0);
        _world.Expire(0, 200);

        await StartAsync();

        await UntilAsync(() => _world.PositionOf(0)!.Value.Next == 200);
        Assert.Equal(100, LoadMetrics.Expired.Value - expired);
        await UntilAsync(() => LoadMetrics.Lag.Value == 0);
    }

    [Fact]
    public async Task Run_RetentionPassedABegunBatch_IsCountedAndLeavesNoLag()
    {
        var expired = LoadMetrics.Expired.Value;
        using var held = new Hold(_world, LoadStep.Insert);
        var first = await StartAsync();
        Send(50, partition: 0);
        await UntilAsync(() => held.IsReached);
        await first.StopAsync();
        Assert.Equal(new LoadPosition(0, 50), _world.PositionOf(0));
        held.Release();
        Send(10, partition: 0);
        _world.Expire(0, 60);

        await StartAsync();

        await UntilAsync(() => _world.PositionOf(0) == new LoadPosition(60, null));
        Assert.Equal(60, LoadMetrics.Expired.Value - expired);
        await UntilAsync(() => LoadMetrics.Lag.Value == 0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Run_FaultsAtRandom_EachEventIsLoadedOnce(int seed)
    {
        var random = new Choices((ulong)seed);
        var faults = new ConcurrentQueue<int>(Enumerable.Range(0, 400).Select(_ => random.Next(100)));
        Task MaybeFail(LoadStep step) =>
            faults.TryDequeue(out var chance) && chance < 15 ? throw new DependencyException($"{step} is broken off.") : Task.CompletedTask;
        _world.Before = (step, _) => MaybeFail(step);
        _world.After = (step, _) => MaybeFail(step);
        await StartAsync();
        await StartAsync(hasAll: false);

        for (var i = 0; i < 40; i++)
        {
            Send(random.Next(1, 120));
            var partition = random.Next(Partitions);
            // Its producer sends an event again, to the same partition.
            if (random.Next(3) == 0)
                _world.Repeat(partition);
            if (random.Next(4) == 0)
                _world.Assign(partition, _loaders[random.Next(2)].Consumer);
            if (random.Next(8) == 0)
                _loaders[random.Next(2)].Consumer.Failure = "it has failed";
            var until = i;
            var turns = 0;
            await UntilAsync(() => ++turns > random.Next(4) && _loaders.All(loader => !loader.Consumer.IsClosed));
        }

        // Whoever has failed in between has none of them.
        for (var partition = 0; partition < Partitions; partition++)
            _world.Assign(partition, _loaders[0].Consumer);
        await UntilAllAreLoadedAsync();
    }

    private void Send(int count, int? partition = null)
    {
        for (var i = 0; i < count; i++)
            _sent.Add(_world.Send(partition ?? (i % Partitions), ++_number));
    }

    private Loader NewLoader(TimeProvider? time = null)
    {
        var loader = new Loader(_world, _access, _options, time ?? _time, _patience);
        _loaders.Add(loader);
        return loader;
    }

    private async Task<Loader> StartAsync(bool hasAll = true)
    {
        var loader = NewLoader();
        loader.Consumers.HasAll = hasAll;
        await loader.StartAsync();
        await UntilAsync(() => loader.Consumers.Last is not null);
        return loader;
    }

    private Task UntilAsync(Func<bool> condition) => Eventually.HoldsAsync(condition, () => _time.Advance(Step));

    private async Task UntilAllAreLoadedAsync(int? except = null)
    {
        for (var partition = 0; partition < Partitions; partition++)
        {
            var high = _world.HighOf(partition);
            var one = partition;
            if (partition != except && high > 0)
                await UntilAsync(() => _world.PositionOf(one) is { } position && position.Next >= high && position.BegunTo is null);
        }

        if (except is not null)
            return;
        Assert.Equal(_sent.Order(), _world.Clicks.Order());
        Assert.Equal(_sent.Count, _world.Counted);
    }

    /// <summary>A process of the role, and what it receives from.</summary>
    private sealed class Loader : IAsyncDisposable
    {
        private readonly ClickLoader _loader;

        public Loader(LoadWorld world, WriteAccess access, ClickOptions options, TimeProvider time, TimeSpan patience)
        {
            Consumers = world.NewConsumers();
            _loader = new ClickLoader(Consumers, new BatchLoader(world, world, world), world, access, options, time, NullLogger<ClickLoader>.Instance)
            {
                ReleasePatience = patience,
                RestartDelay = TimeSpan.FromMilliseconds(1),
            };
        }

        public FakeEventConsumers Consumers { get; }

        public FakeEventConsumer Consumer => Consumers.Last!;

        public Task StartAsync() => _loader.StartAsync(Token);

        public Task StopAsync() => _loader.StopAsync(Token);

        public async ValueTask DisposeAsync()
        {
            await _loader.StopAsync(CancellationToken.None);
            _loader.Dispose();
        }
    }

    /// <summary>The clock of a system that somebody sets. Time passes as before.</summary>
    private sealed class ClockThatIsSetBack(TimeProvider time) : TimeProvider
    {
        private long _backTicks;

        public TimeSpan Back
        {
            set => Interlocked.Exchange(ref _backTicks, value.Ticks);
        }

        public override long TimestampFrequency => time.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow().AddTicks(-Interlocked.Read(ref _backTicks));

        public override long GetTimestamp() => time.GetTimestamp();
    }

    /// <summary>Numbers that follow from a seed.</summary>
    private sealed class Choices(ulong seed)
    {
        private ulong _state = seed;

        public int Next(int below) => (int)(BitOperations.RotateLeft((_state = (_state * 0xD1342543DE82EF95) + 1) ^ (_state >> 29), 17) % (ulong)below);

        public int Next(int from, int below) => from + Next(below - from);
    }

    /// <summary>Holds a step of all loaders, before it takes effect, until it is released or cancelled.</summary>
    private sealed class Hold : IDisposable
    {
        private readonly LoadStep _step;
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _held;

        public Hold(LoadWorld world, LoadStep step)
        {
            _step = step;
            world.Before = WaitAsync;
        }

        /// <summary>Whether later ones pass.</summary>
        public bool IsOnce { get; set; }

        public bool IsReached => _reached.Task.IsCompleted;

        public Task CancelledAsync() => _cancelled.Task.WaitAsync(Token);

        public void Release() => _released.TrySetResult();

        public void Dispose() => Release();

        private async Task WaitAsync(LoadStep step, CancellationToken cancellationToken)
        {
            if (step != _step || (Interlocked.Increment(ref _held) > 1 && IsOnce))
                return;
            _reached.TrySetResult();
            try
            {
                await _released.Task.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                _cancelled.TrySetResult();
                throw;
            }
        }
    }
}
