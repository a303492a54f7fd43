using System.Collections.Concurrent;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Tests.Clicks.Loading;

/// <summary>Consumers of the log of a <see cref="LoadWorld"/>, for one loader.</summary>
internal sealed class FakeEventConsumers(LoadWorld world, int number, int partitions) : IEventConsumerFactory
{
    private readonly ConcurrentQueue<FakeEventConsumer> _made = [];

    /// <summary>Number of the loader.</summary>
    public int Number => number;

    /// <summary>The last one that was made; null: none yet.</summary>
    public FakeEventConsumer? Last => _made.LastOrDefault();

    /// <summary>How many were made.</summary>
    public int Made => _made.Count;

    /// <summary>Whether each one that is made has all partitions from the beginning.</summary>
    public bool HasAll { get; set; } = true;

    /// <summary>Why none can be made; null: one can.</summary>
    public string? Obstacle { get; set; }

    public IEventConsumer Create(IPartitionOwner owner)
    {
        if (Obstacle is { } obstacle)
            throw new DependencyException(obstacle);
        var consumer = new FakeEventConsumer(world, owner);
        _made.Enqueue(consumer);
        for (var partition = 0; HasAll && partition < partitions; partition++)
            world.Assign(partition, consumer);
        return consumer;
    }
}

/// <summary>Receives from the log of a <see cref="LoadWorld"/>. The test gives it partitions and takes them away, at its next call.</summary>
internal sealed class FakeEventConsumer(LoadWorld world, IPartitionOwner owner) : IEventConsumer
{
    private readonly Lock _lock = new();
    private readonly Queue<(Action<IPartitionOwner> Call, Action Then)> _calls = [];
    private readonly SortedDictionary<int, long> _next = [];
    private readonly HashSet<int> _paused = [];
    private readonly ConcurrentDictionary<int, long> _noted = [];
    private readonly SemaphoreSlim _called = new(0);
    private int _turn;
    private bool _isClosed;
    private bool _isDisposed;

    /// <inheritdoc />
    public string? Failure { get; set; }

    /// <summary>What the next call to receive throws.</summary>
    public Exception? Error { get; set; }

    /// <summary>Whether it ends as a client does that has failed for good: without a word to the owner of its partitions.</summary>
    public bool EndsSilently { get; set; }

    /// <summary>How many starts the client is still to refuse.</summary>
    public int RefusedStarts { get; set; }

    /// <summary>How many records were received of each partition, those that a loader did not want included.</summary>
    public ConcurrentDictionary<int, int> Received { get; } = [];

    /// <summary>Whether it is closed.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_lock)
                return _isClosed;
        }
    }

    /// <summary>What Kafka was told about a partition.</summary>
    public long? NotedOf(int partition) => _noted.TryGetValue(partition, out var offset) ? offset : null;

    /// <summary>Whether nothing is received of a partition.</summary>
    public bool IsPaused(int partition)
    {
        lock (_lock)
            return _paused.Contains(partition);
    }

    /// <summary>Gives it a partition.</summary>
    public void Gain(int partition) =>
        Run(
            partitionOwner =>
            {
                lock (_lock)
                {
                    // Somewhere: the loader says where to begin.
                    _next[partition] = 0;
                    _paused.Remove(partition);
                }

                partitionOwner.Gain([partition]);
            },
            () => { }
        );

    /// <summary>Tells it that a partition is gone.</summary>
    public void Lose(int partition) =>
        Run(
            partitionOwner =>
            {
                partitionOwner.Lose([partition]);
                Forget(partition);
            },
            () => { }
        );

    /// <summary>Lets the thread that receives call the owner.</summary>
    /// <returns>False: it is closed, and has no partition.</returns>
    public bool Run(Action<IPartitionOwner> call, Action then)
    {
        lock (_lock)
        {
            if (_isClosed)
                return false;
            _calls.Enqueue((call, then));
        }

        _called.Release();
        return true;
    }

    public bool TryReceive(TimeSpan wait, out int partition, out IncomingEvent incoming)
    {
        if (Error is { } error)
        {
            Error = null;
            throw error;
        }

        while (TakeCall() is { } next)
        {
            next.Call(owner);
            next.Then();
        }

        if (TryTake(out partition, out incoming))
            return true;
        // As a client does that has nothing; the clock of the test stands still meanwhile.
        if (wait > TimeSpan.Zero)
            _called.Wait(1);
        return false;
    }

    public void Pause(int partition) => IfHeld(partition, () => _paused.Add(partition));

    public void Resume(int partition) => IfHeld(partition, () => _paused.Remove(partition));

    public bool Start(int partition, long offset)
    {
        if (RefusedStarts > 0)
        {
            RefusedStarts--;
            return false;
        }

        return IfHeld(
            partition,
            () =>
            {
                _next[partition] = offset;
                _paused.Remove(partition);
            }
        );
    }

    public void Note(int partition, long offset)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        _noted[partition] = offset;
    }

    public (long Low, long High)? BoundsOf(int partition) => world.BoundsOf(partition);

    public Task<(long Low, long High)> ReadBoundsAsync(int partition, CancellationToken cancellationToken) =>
        world.ReadBoundsAsync(partition, cancellationToken);

    public Task<Guid> ReadTopicAsync(CancellationToken cancellationToken) => world.ReadTopicAsync(cancellationToken);

    public void Dispose()
    {
        while (TakeCall(close: true) is { } next)
        {
            next.Call(owner);
            next.Then();
        }

        world.Free(this, EndsSilently ? null : owner);
        _isDisposed = true;
    }

    internal void Forget(int partition)
    {
        lock (_lock)
            _next.Remove(partition);
    }

    private (Action<IPartitionOwner> Call, Action Then)? TakeCall(bool close = false)
    {
        lock (_lock)
        {
            if (_calls.TryDequeue(out var call))
                return call;
            _isClosed |= close;
            return null;
        }
    }

    private bool TryTake(out int partition, out IncomingEvent incoming)
    {
        lock (_lock)
        {
            int[] held = [.. _next.Keys];
            for (var i = 0; i < held.Length; i++)
            {
                var one = held[(i + _turn) % held.Length];
                if (_paused.Contains(one) || world.RecordAt(one, _next[one]) is not { } record)
                    continue;
                _turn++;
                _next[one] = record.Offset + 1;
                Received.AddOrUpdate(one, 1, (_, count) => count + 1);
                (partition, incoming) = (one, record);
                return true;
            }
        }

        (partition, incoming) = (0, default);
        return false;
    }

    private bool IfHeld(int partition, Action action)
    {
        lock (_lock)
        {
            if (!_next.ContainsKey(partition))
                return false;
            action();
            return true;
        }
    }
}
