namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>
/// The records of one partition that wait to be loaded, and where the load stands. It only decides; one thread uses it. A batch that failed is given out again
/// unchanged, so that what was inserted of it is recognised.
/// </summary>
/// <param name="partition">Number of the partition.</param>
internal sealed class PartitionQueue(int partition)
{
    private List<IncomingEvent> _waiting = [];
    private EventBatch? _batch;
    private long? _begunTo;

    // Since when records wait for others to be loaded with.
    private DateTimeOffset _waitingSince;
    private DateTimeOffset _retryAt;
    private int _failures;

    /// <summary>Number of the partition.</summary>
    public int Partition => partition;

    /// <summary>Names of sources of its links. A code is always in the same partition.</summary>
    public SourceLimit Sources { get; } = new();

    /// <summary>Whether it knows where to begin. Until then it takes no record.</summary>
    public bool IsPositioned { get; private set; }

    /// <summary>Whether a batch of it is being loaded.</summary>
    public bool IsLoading { get; private set; }

    /// <summary>Id of the topic, once it is positioned.</summary>
    public Guid Topic { get; private set; }

    /// <summary>Offset of the first record that is not loaded.</summary>
    public long From { get; private set; }

    /// <summary>Offset of the next record to be received.</summary>
    public long Next { get; private set; }

    /// <summary>Approximate memory of the records that wait or are being loaded, in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>Time of the first click that is not loaded; null: none is known.</summary>
    public DateTimeOffset? OldestClick => FirstTimeOf(_batch?.Events ?? []) ?? FirstTimeOf(_waiting);

    /// <summary>Whether it has enough, so that no more should be received.</summary>
    // A batch that was begun is needed as a whole, whatever the limits were then.
    public bool IsFull(LoadLimits limits) => (_waiting.Count >= limits.Events || Bytes >= limits.Bytes) && !(Next < _begunTo);

    /// <summary>Says where to begin.</summary>
    public void Position(Guid topic, LoadPosition position)
    {
        _waiting.Clear();
        _batch = null;
        Bytes = 0;
        (Topic, From, Next, _begunTo) = (topic, position.Next, position.Next, position.BegunTo);
        IsPositioned = true;
    }

    /// <summary>Forgets everything. What is not loaded is received again, from where the load stands then.</summary>
    public void Forget()
    {
        _waiting.Clear();
        _batch = null;
        Bytes = 0;
        IsPositioned = false;
    }

    /// <summary>Takes a received record.</summary>
    /// <param name="incoming">The record.</param>
    /// <param name="now">The time.</param>
    /// <returns>False: it lies before what was received already, so the log is not the one that it was.</returns>
    public bool Add(in IncomingEvent incoming, DateTimeOffset now)
    {
        if (incoming.Offset < Next)
            return false;
        if (_waiting.Count == 0)
            _waitingSince = now;
        _waiting.Add(incoming);
        Bytes += incoming.ApproximateBytes;
        Next = incoming.Offset + 1;
        return true;
    }

    /// <summary>Passes over records that are in the log no more.</summary>
    /// <param name="low">First offset of the log.</param>
    /// <param name="now">The time.</param>
    /// <returns>How many offsets it passed over.</returns>
    public long Skip(long low, DateTimeOffset now)
    {
        var count = Math.Max(0, low - Next);
        if (count == 0)
            return 0;
        if (_waiting.Count == 0)
            _waitingSince = now;
        Next = low;
        return count;
    }

    /// <summary>Lets the records wait for others anew: more of them may come now.</summary>
    /// <param name="now">The time.</param>
    public void WaitAnew(DateTimeOffset now) => _waitingSince = now;

    /// <summary>Gives out a batch if one is due: there is enough, or the first record has waited for long enough, or a batch failed some time ago.</summary>
    public EventBatch? TryStart(LoadLimits limits, DateTimeOffset now)
    {
        if (!IsPositioned || IsLoading || !IsRetryDue(now))
            return null;
        _batch ??= Cut(limits, now);
        IsLoading = _batch is not null;
        return _batch;
    }

    /// <summary>The batch that was given out is loaded.</summary>
    public void Complete()
    {
        IsLoading = false;
        _failures = 0;
        if (_batch is null)
            return;
        From = _batch.To;
        Bytes -= BytesOf(_batch.Events);
        _batch = null;
    }

    /// <summary>The batch that was given out failed.</summary>
    /// <param name="wait">How long to wait, by the number of failures in a row.</param>
    /// <param name="now">The time.</param>
    public void Fail(Func<int, TimeSpan> wait, DateTimeOffset now)
    {
        IsLoading = false;
        _retryAt = now + wait(++_failures);
    }

    /// <summary>Whether enough time has passed since the last failure.</summary>
    public bool IsRetryDue(DateTimeOffset now) => now >= _retryAt;

    private EventBatch? Cut(LoadLimits limits, DateTimeOffset now)
    {
        // Begun by an earlier attempt, which may have inserted some of it: cut at the same place, once all of it is here.
        if (_begunTo is { } end)
        {
            if (Next < end)
                return null;
            _begunTo = null;
            return Take(_waiting.FindIndex(waiting => waiting.Offset >= end) is >= 0 and var count ? count : _waiting.Count, end);
        }

        // Offsets that were passed over are a batch too, if need be without a record.
        if (Next == From || now - _waitingSince < (IsFull(limits) ? limits.FullWait : limits.Wait))
            return null;
        return _waiting.Count > limits.Events ? Take(limits.Events, _waiting[limits.Events - 1].Offset + 1) : Take(_waiting.Count, Next);
    }

    private EventBatch Take(int count, long end)
    {
        var events = _waiting;
        // Without a copy of what is all of it, as a rule.
        _waiting = events.GetRange(count, events.Count - count);
        events.RemoveRange(count, events.Count - count);
        return new EventBatch(Topic, partition, From, end, events);
    }

    // Records that are no events have no time.
    private static DateTimeOffset? FirstTimeOf(IReadOnlyList<IncomingEvent> events)
    {
        foreach (var incoming in events)
        {
            if (incoming.Rejected is null)
                return incoming.Click.At;
        }

        return null;
    }

    private static long BytesOf(IReadOnlyList<IncomingEvent> events)
    {
        long bytes = 0;
        foreach (var incoming in events)
            bytes += incoming.ApproximateBytes;
        return bytes;
    }
}

/// <summary>Bounds of a batch.</summary>
/// <param name="Events">Most records.</param>
/// <param name="Bytes">Approximate memory of one partition at which no more is received.</param>
/// <param name="Wait">How long a record waits for others.</param>
/// <param name="FullWait">How long a record waits when no more is received.</param>
internal readonly record struct LoadLimits(int Events, long Bytes, TimeSpan Wait, TimeSpan FullWait = default);
