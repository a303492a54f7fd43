using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Tests.Clicks.Loading;

/// <summary>A step of the load that goes to a server.</summary>
public enum LoadStep
{
    Topic,
    Bounds,
    Read,
    Begin,
    Time,
    Find,
    Insert,
    Note,
    Letters,
    Complete,
}

/// <summary>
/// Kafka, PostgreSQL and ClickHouse as loaders see them, in memory. Each keeps what its contract says, so what is loaded can be compared with what was sent.
/// A test can hold or break off each step, before or after it took effect.
/// </summary>
internal sealed class LoadWorld(int partitions, TimeProvider time) : ILoadProgress, IClickWarehouse, IDeadLetters
{
    private readonly Lock _lock = new();
    private readonly List<IncomingEvent>[] _logs = [.. Enumerable.Range(0, partitions).Select(_ => new List<IncomingEvent>())];
    private readonly long[] _low = new long[partitions];
    private readonly long[] _high = new long[partitions];
    private readonly Dictionary<(Guid Topic, int Partition), LoadPosition> _positions = [];
    private readonly HashSet<Guid> _pieces = [];
    private readonly Dictionary<Guid, LoadedFrom> _ledger = [];
    private readonly List<Guid> _clicks = [];
    private readonly List<string> _letters = [];
    private readonly FakeEventConsumer?[] _owners = new FakeEventConsumer?[partitions];
    private Guid _topic = LoadSamples.Topic;
    private int _counted;
    private int _made;

    /// <summary>Runs before a step; what it throws, the step throws.</summary>
    public Func<LoadStep, CancellationToken, Task> Before { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Runs after a step has taken effect.</summary>
    public Func<LoadStep, CancellationToken, Task> After { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Ids of the rows in ClickHouse, in their order.</summary>
    public IReadOnlyList<Guid> Clicks => Read(() => _clicks.ToList());

    /// <summary>Sum of the totals of all links in PostgreSQL.</summary>
    public int Counted => Read(() => _counted);

    /// <summary>Reasons of the letters.</summary>
    public IReadOnlyList<string> Letters => Read(() => _letters.ToList());

    /// <summary>Ids of the pieces that were inserted.</summary>
    public int Pieces => Read(() => _pieces.Count);

    /// <summary>Id of the topic.</summary>
    public Guid Topic => Read(() => _topic);

    /// <summary>Adds an event to a partition.</summary>
    public Guid Send(int partition, int number) => Append(partition, offset => LoadSamples.NewEvent(offset, number, time.GetUtcNow()));

    /// <summary>Adds the last event of a partition once more.</summary>
    public void Repeat(int partition) => Append(partition, offset => _logs[partition][^1] with { Offset = offset });

    /// <summary>Adds a record that is no event.</summary>
    public void SendPoison(int partition, int bytes = 3) => Append(partition, offset => LoadSamples.NewPoison(offset, bytes));

    /// <summary>Adds nothing that a reader sees, as the end of a transaction does.</summary>
    public void SendMarker(int partition) => Change(() => _high[partition]++);

    /// <summary>Deletes the oldest records, as retention does.</summary>
    public void Expire(int partition, long low) =>
        Change(() =>
        {
            _logs[partition].RemoveAll(record => record.Offset < low);
            _low[partition] = low;
        });

    /// <summary>Deletes the newest records, as a broker does that lost its disk.</summary>
    public void Shorten(int partition, long high) =>
        Change(() =>
        {
            _logs[partition].RemoveAll(record => record.Offset >= high);
            _high[partition] = high;
        });

    /// <summary>Makes the topic anew, empty, under the same name.</summary>
    public void MakeAnew() =>
        Change(() =>
        {
            foreach (var log in _logs)
                log.Clear();
            Array.Clear(_low);
            Array.Clear(_high);
            _topic = Guid.NewGuid();
        });

    /// <summary>Position of a partition; null: it never began.</summary>
    public LoadPosition? PositionOf(int partition) =>
        Read(() => _positions.TryGetValue((_topic, partition), out var position) ? position : (LoadPosition?)null);

    /// <summary>Offset after the last record of a partition.</summary>
    public long HighOf(int partition) => Read(() => _high[partition]);

    /// <summary>Whether all records are loaded or set aside.</summary>
    public bool IsLoaded => Enumerable.Range(0, partitions).All(partition => HighOf(partition) == 0 || PositionOf(partition)?.Next == HighOf(partition));

    /// <summary>Gives a partition to a consumer; the one that has it is asked for it first, as in a rebalance.</summary>
    public void Assign(int partition, FakeEventConsumer to)
    {
        var from = Read(() => _owners[partition]);
        Change(() => _owners[partition] = to);
        if (from is null || from == to || !from.Run(owner => Release(from, owner, partition), () => to.Gain(partition)))
            to.Gain(partition);
    }

    /// <summary>Gives a partition to a consumer while another still believes to have it.</summary>
    public void Steal(int partition, FakeEventConsumer to)
    {
        Change(() => _owners[partition] = to);
        to.Gain(partition);
    }

    /// <summary>A factory of consumers, for one loader.</summary>
    public FakeEventConsumers NewConsumers() => new(this, Interlocked.Increment(ref _made), partitions);

    public Task<LoadPosition?> ReadAsync(Guid topic, int partition, CancellationToken cancellationToken) =>
        StepAsync(LoadStep.Read, () => _positions.TryGetValue((topic, partition), out var position) ? position : (LoadPosition?)null, cancellationToken);

    public Task<bool> BeginAsync(EventBatch batch, CancellationToken cancellationToken) =>
        StepAsync(
            LoadStep.Begin,
            () =>
            {
                var key = (batch.Topic, batch.Partition);
                if (_positions.TryGetValue(key, out var at) && (at.Next != batch.From || (at.BegunTo is not null && at.BegunTo != batch.To)))
                    return false;
                _positions[key] = new LoadPosition(batch.From, batch.To);
                return true;
            },
            cancellationToken
        );

    public Task<bool> CompleteAsync(EventBatch batch, IReadOnlyList<StoredClick> counted, CancellationToken cancellationToken) =>
        StepAsync(
            LoadStep.Complete,
            () =>
            {
                var key = (batch.Topic, batch.Partition);
                if (_positions.GetValueOrDefault(key) != new LoadPosition(batch.From, batch.To))
                    return false;
                _positions[key] = new LoadPosition(batch.To, null);
                _counted += counted.Count;
                return true;
            },
            cancellationToken
        );

    public Task MoveAsync(Guid topic, int partition, LoadPosition from, long to, CancellationToken cancellationToken) =>
        StepAsync(
            LoadStep.Complete,
            () =>
            {
                if (_positions[(topic, partition)].Next == from.Next)
                    _positions[(topic, partition)] = new LoadPosition(to, null);
                return true;
            },
            cancellationToken
        );

    public Task<DateTimeOffset> ReadTimeAsync(CancellationToken cancellationToken) => StepAsync(LoadStep.Time, time.GetUtcNow, cancellationToken);

    public Task<IReadOnlyDictionary<Guid, LoadedFrom>> FindLoadedAsync(IReadOnlyList<IncomingEvent> events, CancellationToken cancellationToken) =>
        StepAsync<IReadOnlyDictionary<Guid, LoadedFrom>>(
            LoadStep.Find,
            () => events.Where(one => _ledger.ContainsKey(one.Id)).DistinctBy(one => one.Id).ToDictionary(one => one.Id, one => _ledger[one.Id]),
            cancellationToken
        );

    public Task InsertAsync(Guid piece, IReadOnlyList<NewClick> clicks, DateTimeOffset deadline, CancellationToken cancellationToken) =>
        StepAsync(
            LoadStep.Insert,
            () =>
            {
                if (time.GetUtcNow() >= deadline)
                    throw new DependencyException("The server stored none of them.");
                if (_pieces.Add(piece))
                    _clicks.AddRange(clicks.Select(click => click.Event.Id));
                return true;
            },
            cancellationToken
        );

    public Task NoteLoadedAsync(EventBatch batch, IReadOnlyList<NewClick> clicks, CancellationToken cancellationToken) =>
        StepAsync(
            LoadStep.Note,
            () =>
            {
                foreach (var click in clicks)
                    _ledger.TryAdd(click.Event.Id, new LoadedFrom(batch.Topic, batch.Partition, click.Event.Offset));
                return true;
            },
            cancellationToken
        );

    public Task SendAsync(EventBatch batch, IReadOnlyList<IncomingEvent> rejected, CancellationToken cancellationToken) =>
        StepAsync(
            LoadStep.Letters,
            () =>
            {
                _letters.AddRange(rejected.Select(record => record.Rejected!.Reason));
                return true;
            },
            cancellationToken
        );

    internal Task<Guid> ReadTopicAsync(CancellationToken cancellationToken) => StepAsync(LoadStep.Topic, () => _topic, cancellationToken);

    internal Task<(long Low, long High)> ReadBoundsAsync(int partition, CancellationToken cancellationToken) =>
        StepAsync(LoadStep.Bounds, () => (_low[partition], _high[partition]), cancellationToken);

    internal (long Low, long High) BoundsOf(int partition) => Read(() => (_low[partition], _high[partition]));

    internal IncomingEvent? RecordAt(int partition, long offset) =>
        Read(() =>
        {
            // As Kafka does with a position that is not in the log.
            var from = offset < _low[partition] || offset > _high[partition] ? _low[partition] : offset;
            var index = _logs[partition].FindIndex(record => record.Offset >= from);
            return index < 0 ? (IncomingEvent?)null : _logs[partition][index];
        });

    internal void Free(FakeEventConsumer consumer, IPartitionOwner? owner)
    {
        int[] held = Read(() => Enumerable.Range(0, partitions).Where(partition => _owners[partition] == consumer).ToArray());
        foreach (var partition in held)
        {
            Release(consumer, owner, partition);
            Change(() => _owners[partition] = null);
        }
    }

    private static void Release(FakeEventConsumer consumer, IPartitionOwner? owner, int partition)
    {
        owner?.Release([partition]);
        consumer.Forget(partition);
    }

    private async Task<T> StepAsync<T>(LoadStep step, Func<T> effect, CancellationToken cancellationToken)
    {
        // Servers answer on other threads.
        await Task.Yield();
        await Before(step, cancellationToken);
        var result = Read(effect);
        await After(step, cancellationToken);
        return result;
    }

    private Guid Append(int partition, Func<long, IncomingEvent> make) =>
        Read(() =>
        {
            var record = make(_high[partition]++);
            _logs[partition].Add(record);
            return record.Id;
        });

    private void Change(Action change)
    {
        lock (_lock)
            change();
    }

    private T Read<T>(Func<T> read)
    {
        lock (_lock)
            return read();
    }
}
