using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>
/// Receives click events from Kafka and loads them in batches, a partition at a time. Processes share the partitions. While something does not work, a batch is
/// tried again and the rest waits in Kafka: little is kept in memory. In a region that takes no changes it leaves the partitions to others.
/// </summary>
internal sealed class ClickLoader(
    IEventConsumerFactory consumers,
    BatchLoader loader,
    ILoadProgress progress,
    WriteAccess access,
    ClickOptions options,
    TimeProvider time,
    ILogger<ClickLoader> logger
) : BackgroundService, IPartitionOwner
{
    /// <summary>How long a log may end before the position until that is believed: a new leader of a partition may not know its end at once.</summary>
    public static readonly TimeSpan ShorterLogPatience = TimeSpan.FromSeconds(60);

    private const int MaxLoads = 2;
    private const int EventsPerTurn = 5_000;

    // What comes in a turn is kept although its partition has enough by then, and records may be large.
    private const long BytesPerTurn = 2_097_152;
    private static readonly TimeSpan TurnWait = TimeSpan.FromMilliseconds(100);

    // While batches are loaded: all partitions may have enough, so that no record comes, and the end of a batch must not be found late.
    private static readonly TimeSpan LoadingWait = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(10);

    /// <summary>How long a batch may take after its partition was asked for by another process, or the process by its owner; 5 s.</summary>
    internal TimeSpan ReleasePatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long no consumer is made after the last one; 1 s.</summary>
    internal TimeSpan RestartDelay { get; init; } = TimeSpan.FromSeconds(1);

    private readonly SortedDictionary<int, PartitionLoad> _partitions = [];
    private IEventConsumer? _consumer;
    private LoadShares _shares;
    private long _started;

    // Waits are measured from here: the system's clock may be set back, and no partition must wait until it has caught up.
    private readonly DateTimeOffset _begunAt = time.GetUtcNow();
    private readonly long _begun = time.GetTimestamp();

    private Task<Guid>? _check;
    private long _checkedAt;

    // Why Kafka could not be asked, until it can.
    private string? _kafkaTrouble;
    private bool _isFailing;

    private DateTimeOffset Now => _begunAt + time.GetElapsedTime(_begun);

    /// <inheritdoc />
    public void Gain(IEnumerable<int> partitions)
    {
        foreach (var partition in partitions)
            _partitions[partition] = new PartitionLoad(partition);
        ShareMemory();
    }

    /// <inheritdoc />
    public void Release(IEnumerable<int> partitions)
    {
        var taken = TakeAway(partitions);
        PartitionLoad.End(taken, ReleasePatience);
        foreach (var load in taken)
        {
            Finish(load);
            load.Dispose();
        }
    }

    /// <inheritdoc />
    public void Lose(IEnumerable<int> partitions) => Release(partitions);

    /// <inheritdoc />
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        // A thread of its own: the client waits for records in it.
        Task.Factory.StartNew(() => Run(stoppingToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(CancellationToken stopping)
    {
        do
        {
            if (!access.IsReadOnly)
                Serve(stopping);
            if (access.IsReadOnly)
                TellNothing();
        } while (!stopping.WaitHandle.WaitOne(RestartDelay));
    }

    // Until the process stops, the region takes no changes, or the client has failed for good.
    private void Serve(CancellationToken stopping)
    {
        try
        {
            using (_consumer = consumers.Create(this))
            {
                while (!stopping.IsCancellationRequested && !access.IsReadOnly && _consumer.Failure is null)
                    Turn(_consumer);
                if (_consumer.Failure is { } failure)
                    LoadLog.ConsumerReplaced(logger, failure);
            }
        }
        catch (DependencyException error)
        {
            _kafkaTrouble = error.Message;
            Tell();
        }
        // A fault of the client or of this class. It must not end a process that does other work too; another consumer begins anew.
        catch (Exception error)
        {
            LoadLog.ConsumerFailed(logger, error);
            _kafkaTrouble = error.Message;
            Tell();
        }
        finally
        {
            if (_check is not null)
                PartitionLoad.WaitFor([_check], ReleasePatience);
            _check = null;
            // It is closed, and cannot be told anything any more.
            _consumer = null;
            // Those that the client has not taken back.
            Release([.. _partitions.Keys]);
            LoadMetrics.Lag.Set(0);
            LoadMetrics.Delay.Set(0);
        }
    }

    // Processes of the region that takes changes load the events, and tell whether they can.
    private void TellNothing()
    {
        _kafkaTrouble = null;
        _isFailing = false;
        LoadMetrics.Failing.Set(0);
    }

    private void Turn(IEventConsumer consumer)
    {
        Receive(consumer);
        foreach (var load in _partitions.Values)
        {
            Finish(load);
            Position(consumer, load);
        }

        GiveTurns();
        foreach (var load in _partitions.Values)
            Throttle(consumer, load);
        Start(consumer);
        Check(consumer);
        Report(consumer);
    }

    // Whether Kafka answers: a process without a partition, or without records, would not know.
    private void Check(IEventConsumer consumer)
    {
        if (_check is { IsCompleted: true } check)
        {
            _check = null;
            _kafkaTrouble = check.Exception?.GetBaseException().Message;
        }
        else if (_check is null && time.GetElapsedTime(_checkedAt) >= CheckInterval)
        {
            _checkedAt = time.GetTimestamp();
            // Its client ends it.
            _check = consumer.ReadTopicAsync(CancellationToken.None);
        }
    }

    private void Receive(IEventConsumer consumer)
    {
        var now = default(DateTimeOffset);
        var wait = _partitions.Values.Any(load => load.Loading is not null) ? LoadingWait : TurnWait;
        var bytes = 0L;
        for (
            var i = 0;
            i < EventsPerTurn && bytes < BytesPerTurn && consumer.TryReceive(i == 0 ? wait : TimeSpan.Zero, out var partition, out var incoming);
            i++
        )
        {
            bytes += incoming.ApproximateBytes;
            // Once: to read the clock takes a part of what a record takes.
            if (i == 0)
                now = Now;
            // Of a partition that does not know where to begin, what comes is received again later.
            if (!_partitions.TryGetValue(partition, out var load) || !load.Queue.IsPositioned)
                continue;
            if (incoming.Offset > load.Queue.Next && consumer.BoundsOf(partition) is { } bounds)
                Skip(load, Math.Min(bounds.Low, incoming.Offset));
            if (!load.Queue.Add(incoming, now))
                load.Queue.Forget();
        }
    }

    // What Kafka has deleted is not waited for: after the last record of a log nothing would come, and the position would never move.
    private void Skip(PartitionLoad load, long low)
    {
        var count = load.Queue.Skip(low, Now);
        if (count == 0)
            return;
        LoadMetrics.Expired.Inc(count);
        LoadLog.Expired(logger, load.Queue.Partition, count);
    }

    private void Finish(PartitionLoad load)
    {
        if (load.Loading is not { IsCompleted: true } loading)
            return;
        load.Loading = null;
        if (loading.IsCompletedSuccessfully && loading.Result)
        {
            load.Queue.Complete();
            load.HasTurn = false;
            _consumer?.Note(load.Queue.Partition, load.Queue.From);
            load.Trouble = null;
            return;
        }

        if (loading.IsCompletedSuccessfully)
        {
            LoadLog.Moved(logger, load.Queue.Partition);
            load.Queue.Fail(RetryBackoff.After, Now);
            load.Queue.Forget();
            return;
        }

        load.Queue.Fail(RetryBackoff.After, Now);
        if (load.Cancelled.IsCancellationRequested)
            return;
        LoadMetrics.Failures.Inc();
        load.Trouble = ReasonOf(loading);
    }

    // Clients report some time limits as a cancellation.
    private static string ReasonOf(Task task) => task.Exception?.GetBaseException().Message ?? "A server did not answer in time.";

    private void Position(IEventConsumer consumer, PartitionLoad load)
    {
        if (load.Queue.IsPositioned || load.Queue.IsLoading)
            return;
        if (load.Positioning is null)
        {
            if (!load.Queue.IsRetryDue(Now))
                return;
            Pause(consumer, load);
            load.Positioning = Task.Run(() => FindStartAsync(consumer, load), load.Cancelled);
        }
        else if (load.Positioning is { IsCompleted: true } positioning)
        {
            load.Positioning = null;
            if (positioning.IsCompletedSuccessfully)
                Begin(consumer, load, positioning.Result);
            else
                Refuse(load, ReasonOf(positioning));
        }
    }

    private void Begin(IEventConsumer consumer, PartitionLoad load, StartingPoint start)
    {
        load.Queue.Position(start.Topic, start.Position);
        load.HasTurn = false;
        Skip(load, start.Low);
        if (consumer.Start(load.Queue.Partition, load.Queue.Next))
        {
            load.IsPaused = false;
            load.Trouble = null;
            return;
        }

        load.Queue.Forget();
        Refuse(load, $"Partition {load.Queue.Partition} cannot be received from where it is to begin.");
    }

    private void Refuse(PartitionLoad load, string reason)
    {
        load.Queue.Fail(RetryBackoff.After, Now);
        if (!load.Cancelled.IsCancellationRequested)
            load.Trouble = reason;
    }

    private async Task<StartingPoint> FindStartAsync(IEventConsumer consumer, PartitionLoad load)
    {
        var partition = load.Queue.Partition;
        var topic = await consumer.ReadTopicAsync(load.Cancelled);
        var (low, high) = await consumer.ReadBoundsAsync(partition, load.Cancelled);
        var position = await progress.ReadAsync(topic, partition, load.Cancelled) ?? new LoadPosition(low, null);
        // A batch that was begun lies before the end as a whole. What Kafka has lost of it is not waited for either.
        var reached = position.BegunTo ?? position.Next;
        if (reached <= high)
        {
            load.Shorter = null;
            return new StartingPoint(topic, position, low, high);
        }

        load.Shorter ??= (time.GetTimestamp(), high);
        var (since, end) = load.Shorter.Value;
        if (time.GetElapsedTime(since) < ShorterLogPatience)
            throw new DependencyException($"Partition {partition} ends at {high}, before {reached}, up to where its load had come.");
        LoadLog.LogIsShorter(logger, partition, end, reached);
        // To where it ended at first: what came since is new.
        var next = Math.Min(position.Next, end);
        await progress.MoveAsync(topic, partition, position, next, load.Cancelled);
        return new StartingPoint(topic, new LoadPosition(next, null), low, high);
    }

    private LoadLimits LimitsOf(PartitionLoad load) => load.HasTurn ? _shares.Turn : _shares.Part;

    // To those with more records than their part of the memory holds, and among them to those that began a batch longest ago.
    private void GiveTurns()
    {
        var free = _shares.Turns - _partitions.Values.Count(load => load.HasTurn);
        if (free <= 0)
            return;
        foreach (var load in _partitions.Values.Where(IsDue).OrderBy(load => load.Started).Take(free).ToList())
        {
            load.HasTurn = true;
            load.Queue.WaitAnew(Now);
        }

        bool IsDue(PartitionLoad load) => !load.HasTurn && load.Queue is { IsPositioned: true, IsLoading: false } && load.Queue.IsFull(_shares.Part);
    }

    // Those first that have waited longest: a few with many events must not keep the others from being loaded.
    private void Start(IEventConsumer consumer)
    {
        var free = MaxLoads - _partitions.Values.Count(load => load.Loading is not null);
        if (free <= 0)
            return;
        foreach (var load in _partitions.Values.OrderBy(load => load.Started))
        {
            if (load.Queue.TryStart(LimitsOf(load), Now) is not { } batch)
                continue;
            load.Started = ++_started;
            load.Loading = Task.Run(() => LoadAsync(consumer, batch, load), load.Cancelled);
            if (--free == 0)
                return;
        }
    }

    private async Task<bool> LoadAsync(IEventConsumer consumer, EventBatch batch, PartitionLoad load) =>
        // Made anew under the same name, the topic has other records at these offsets.
        await consumer.ReadTopicAsync(load.Cancelled) == batch.Topic
        && await loader.LoadAsync(batch, load.Queue.Sources, load.Cancelled);

    private void Throttle(IEventConsumer consumer, PartitionLoad load)
    {
        if (!load.Queue.IsPositioned)
            return;
        if (load.Queue.IsFull(LimitsOf(load)))
        {
            Pause(consumer, load);
        }
        else if (load.IsPaused)
        {
            consumer.Resume(load.Queue.Partition);
            load.IsPaused = false;
        }
    }

    private static void Pause(IEventConsumer consumer, PartitionLoad load)
    {
        if (load.IsPaused)
            return;
        consumer.Pause(load.Queue.Partition);
        load.IsPaused = true;
    }

    private List<PartitionLoad> TakeAway(IEnumerable<int> partitions)
    {
        var taken = new List<PartitionLoad>();
        foreach (var partition in partitions)
        {
            if (_partitions.Remove(partition, out var load))
                taken.Add(load);
        }

        ShareMemory();
        return taken;
    }

    private void ShareMemory()
    {
        _shares = LoadShares.Of(options.LoadBatchSize, options.LoadBytes, options.LoadInterval, _partitions.Count);
        LoadMetrics.Partitions.Set(_partitions.Count);
    }

    private void Report(IEventConsumer consumer)
    {
        long lag = 0;
        DateTimeOffset? oldest = null;
        foreach (var load in _partitions.Values)
        {
            if (load.Queue.IsPositioned && consumer.BoundsOf(load.Queue.Partition) is { } bounds)
                lag += Math.Max(0, bounds.High - load.Queue.From);
            if (load.Queue.OldestClick is { } click && (oldest is null || click < oldest))
                oldest = click;
        }

        Tell();
        LoadMetrics.Lag.Set(lag);
        LoadMetrics.Delay.Set(oldest is null ? 0 : Math.Max(0, (time.GetUtcNow() - oldest.Value).TotalSeconds));
    }

    // Once when it begins, and once when all partitions are well again.
    private void Tell()
    {
        var trouble = _kafkaTrouble ?? _partitions.Values.Select(load => load.Trouble).FirstOrDefault(reason => reason is not null);
        if (!_isFailing && trouble is not null)
            LoadLog.Failing(logger, trouble);
        else if (_isFailing && trouble is null)
            LoadLog.Recovered(logger);
        _isFailing = trouble is not null;
        LoadMetrics.Failing.Set(_isFailing ? 1 : 0);
    }
}
