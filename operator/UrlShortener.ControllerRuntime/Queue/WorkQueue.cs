using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Queue;

/// <summary>
/// Keys that need work. A key waits at most once, however often it is added; at most one worker has it; and it is never dropped: after a failure it returns
/// with backoff.
/// </summary>
internal sealed class WorkQueue<TKey> : IWorkAges, IDisposable
    where TKey : notnull
{
    private readonly string _name;
    private readonly Backoff _backoff;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _sync = new();

    /// <summary>Keys with a state. Guarded by <see cref="_sync"/>, like all fields below.</summary>
    private readonly Dictionary<TKey, Entry> _entries = [];

    /// <summary>Keys that a worker may take now, the oldest first.</summary>
    private readonly Queue<TKey> _waiting = new();

    /// <summary>Delayed keys, by timestamp. Entries that no longer match the key's state are skipped.</summary>
    private readonly PriorityQueue<(TKey Key, long Due), long> _later = new();

    /// <summary>Workers that wait, each for a signal of its own: one key wakes one of them.</summary>
    private readonly Queue<TaskCompletionSource> _idle = new();

    private bool _isClosed;

    /// <summary>Creates an empty queue.</summary>
    /// <param name="name">Its name in metrics.</param>
    /// <param name="backoff">Delays after failures of a key.</param>
    /// <param name="time">Clock.</param>
    public WorkQueue(string name, Backoff backoff, TimeProvider time)
    {
        _name = name;
        _backoff = backoff;
        _time = time;
        _timer = time.CreateTimer(_ => AddDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        QueueMetrics.Prepare(name);
        WorkQueueAges.Watch(this);
    }

    /// <inheritdoc/>
    string IWorkAges.Name => _name;

    /// <summary>Keys that wait for a worker now.</summary>
    public int Depth
    {
        get
        {
            lock (_sync)
                return _waiting.Count;
        }
    }

    /// <summary>Adds a key. If a worker has the key, it waits until that work is done.</summary>
    public void Add(TKey key)
    {
        lock (_sync)
        {
            if (_isClosed)
                return;
            var entry = EntryOf(key);
            if (entry.Waits)
                return;
            entry.Waits = true;
            entry.WaitsSince = _time.GetTimestamp();
            QueueMetrics.Adds.WithLabels(_name).Inc();
            if (!entry.InWork)
                Offer(key);
        }
    }

    /// <summary>Adds a key after a delay. If a key has several delays, the earliest counts.</summary>
    public void AddAfter(TKey key, TimeSpan delay)
    {
        if (delay <= TimeSpan.Zero)
        {
            Add(key);
            return;
        }

        lock (_sync)
        {
            if (_isClosed)
                return;
            var entry = EntryOf(key);
            var due = _time.GetTimestamp() + (long)(delay.TotalSeconds * _time.TimestampFrequency);
            if (entry.Due <= due)
                return;
            entry.Due = due;
            _later.Enqueue((key, due), due);
            SetTimer();
        }
    }

    /// <summary>Adds a key after a delay that grows with each call until <see cref="Forget"/>.</summary>
    public void AddRateLimited(TKey key)
    {
        TimeSpan delay;
        lock (_sync)
            delay = _backoff.After(++EntryOf(key).Failures);
        QueueMetrics.Retries.WithLabels(_name).Inc();
        AddAfter(key, delay);
    }

    /// <summary>Resets the key's backoff: its work succeeded.</summary>
    public void Forget(TKey key)
    {
        lock (_sync)
        {
            if (!_entries.TryGetValue(key, out var entry))
                return;
            entry.Failures = 0;
            RemoveIfIdle(key, entry);
        }
    }

    /// <summary>Waits for a key, marks it as in work and removes its delay: the work decides when the key returns.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The key, or null when the queue was closed.</returns>
    public async Task<WorkItem<TKey>?> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            TaskCompletionSource signal;
            lock (_sync)
            {
                if (_isClosed)
                    return null;
                if (TryTake() is { } item)
                    return item;
                signal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _idle.Enqueue(signal);
            }

            try
            {
                await signal.Task.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                // If it was woken all the same, it was for a key that another worker must take now.
                lock (_sync)
                {
                    if (!signal.TrySetCanceled(CancellationToken.None))
                        Signal();
                }

                throw;
            }
        }
    }

    /// <summary>Ends the work on a key. A key that was added meanwhile waits again.</summary>
    public void Done(TKey key)
    {
        lock (_sync)
        {
            var entry = _entries[key];
            QueueMetrics.WorkSeconds.WithLabels(_name).Observe(_time.GetElapsedTime(entry.InWorkSince).TotalSeconds);
            entry.InWork = false;
            if (entry.Waits)
                Offer(key);
            else
                RemoveIfIdle(key, entry);
        }
    }

    /// <summary>Closes the queue: it accepts and returns no more keys. Running work continues.</summary>
    public void Close()
    {
        lock (_sync)
        {
            _isClosed = true;
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            QueueMetrics.Depth.WithLabels(_name).Set(0);
            while (Signal()) { }
        }
    }

    /// <inheritdoc/>
    IReadOnlyList<TimeSpan> IWorkAges.GetAges()
    {
        lock (_sync)
            return [.. _entries.Values.Where(entry => entry.InWork).Select(entry => _time.GetElapsedTime(entry.InWorkSince))];
    }

    /// <inheritdoc/>
    TimeSpan IWorkAges.GetLongestWait()
    {
        lock (_sync)
            return _waiting.TryPeek(out var key) && !_isClosed ? _time.GetElapsedTime(_entries[key].WaitsSince) : TimeSpan.Zero;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        WorkQueueAges.Unwatch(this);
        _timer.Dispose();
    }

    private WorkItem<TKey>? TryTake()
    {
        if (!_waiting.TryDequeue(out var key))
            return null;
        var (entry, now) = (_entries[key], _time.GetTimestamp());
        QueueMetrics.QueueSeconds.WithLabels(_name).Observe(_time.GetElapsedTime(entry.WaitsSince, now).TotalSeconds);
        QueueMetrics.Depth.WithLabels(_name).Dec();
        entry.Waits = false;
        entry.InWork = true;
        entry.InWorkSince = now;
        entry.Due = null;
        return new WorkItem<TKey>(key);
    }

    private void Offer(TKey key)
    {
        QueueMetrics.Depth.WithLabels(_name).Inc();
        _waiting.Enqueue(key);
        Signal();
    }

    private void AddDue()
    {
        lock (_sync)
        {
            var now = _time.GetTimestamp();
            while (_later.TryPeek(out var next, out var due) && due <= now)
            {
                _later.Dequeue();
                if (!_entries.TryGetValue(next.Key, out var entry) || entry.Due != due)
                    continue;
                entry.Due = null;
                Add(next.Key);
            }

            SetTimer();
        }
    }

    private void SetTimer()
    {
        if (_isClosed || !_later.TryPeek(out _, out var due))
            return;
        // Rounded up, since a timer that fires early would find nothing due.
        var wait = TimeSpan.FromSeconds(Math.Max(0, due - _time.GetTimestamp()) / (double)_time.TimestampFrequency);
        _timer.Change(TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
    }

    // Wakes a worker that still waits; false if none does.
    private bool Signal()
    {
        while (_idle.TryDequeue(out var signal))
        {
            if (signal.TrySetResult())
                return true;
        }

        return false;
    }

    private Entry EntryOf(TKey key)
    {
        if (!_entries.TryGetValue(key, out var entry))
            _entries[key] = entry = new Entry();
        return entry;
    }

    private void RemoveIfIdle(TKey key, Entry entry)
    {
        if (entry is { Waits: false, InWork: false, Due: null, Failures: 0 })
            _entries.Remove(key);
    }

    private sealed class Entry
    {
        /// <summary>Whether the key waits for a worker, or will when the work on it is done.</summary>
        public bool Waits { get; set; }

        public long WaitsSince { get; set; }

        public bool InWork { get; set; }

        public long InWorkSince { get; set; }

        /// <summary>When the key returns; null: no delay.</summary>
        public long? Due { get; set; }

        public int Failures { get; set; }
    }
}
