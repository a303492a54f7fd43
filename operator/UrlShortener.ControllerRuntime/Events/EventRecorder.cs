using System.Threading.Channels;
using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Events;

/// <summary>
/// Records Kubernetes events about objects. Recording never waits. Equal events become one with a count, and each object has a rate limit for each
/// severity and reason.
/// An <see cref="EventWriter"/> writes them.
/// </summary>
public sealed class EventRecorder(TimeProvider time)
{
    private const int QueueLength = 1_000;

    /// <summary>The first events of an object with stores of its own are about as many as its objects.</summary>
    private const int Burst = 50;

    private const int MaxNote = 1_000;

    /// <summary>Above this number of series or objects, the recorder forgets the finished ones.</summary>
    private const int SweepAbove = 2_000;

    private static readonly TimeSpan Refill = TimeSpan.FromMinutes(5);

    /// <summary>An event that recurs after this time is a new one.</summary>
    private static readonly TimeSpan SeriesEnd = TimeSpan.FromMinutes(6);

    private readonly Channel<EventSeries> _queue = Channel.CreateBounded<EventSeries>(new BoundedChannelOptions(QueueLength) { SingleReader = true });
    private readonly Lock _sync = new();

    /// <summary>Guarded by <see cref="_sync"/>, like the buckets.</summary>
    private readonly Dictionary<EventKey, EventSeries> _series = [];

    private readonly Dictionary<(EventSubject Subject, EventSeverity Severity, string Reason), TokenBucket> _buckets = [];

    /// <summary>Series to write.</summary>
    internal ChannelReader<EventSeries> Queue => _queue.Reader;

    /// <summary>Records an event.</summary>
    /// <param name="regarding">The object of the event.</param>
    /// <param name="severity">Type.</param>
    /// <param name="reason">Reason, one word in Pascal case.</param>
    /// <param name="action">Action, one word in Pascal case.</param>
    /// <param name="note">A sentence; truncated after 1,000 characters.</param>
    public void Record(IKubernetesObject<V1ObjectMeta> regarding, EventSeverity severity, string reason, string action, string note)
    {
        var meta = regarding.Metadata;
        var subject = new EventSubject(regarding.ApiVersion ?? "", regarding.Kind ?? "", meta.NamespaceProperty ?? "", meta.Name, meta.Uid ?? "");
        var key = new EventKey(subject, severity, reason, action, note.Length > MaxNote ? note[..MaxNote] : note);
        lock (_sync)
        {
            var now = MicroTime.Now(time);
            var series = FindOrBegin(key, now);
            series.Count++;
            series.LastAt = now;
            if (series.IsQueued)
                return;
            if (!BucketOf(subject, severity, reason).TryTake(time.GetTimestamp()))
                EventMetrics.Dropped.WithLabels("rate").Inc();
            else if (!_queue.Writer.TryWrite(series))
                EventMetrics.Dropped.WithLabels("queue").Inc();
            else
                series.IsQueued = true;
        }
    }

    /// <summary>Returns the state of a series for the writer to write now. Later occurrences are written later.</summary>
    internal (int Count, DateTime LastAt) Take(EventSeries series)
    {
        lock (_sync)
        {
            series.IsQueued = false;
            return (series.Count, series.LastAt);
        }
    }

    private EventSeries FindOrBegin(EventKey key, DateTime now)
    {
        if (_series.TryGetValue(key, out var known) && now - known.LastAt < SeriesEnd)
            return known;
        if (_series.Count >= SweepAbove || _buckets.Count >= SweepAbove)
            Sweep(now);
        return _series[key] = new EventSeries(key, now);
    }

    // One for each severity and reason: the news of a creation must crowd out neither a warning nor a failover.
    private TokenBucket BucketOf(EventSubject subject, EventSeverity severity, string reason)
    {
        if (!_buckets.TryGetValue((subject, severity, reason), out var bucket))
            _buckets[(subject, severity, reason)] = bucket = new TokenBucket(Burst, Refill, time.GetTimestamp(), time);
        return bucket;
    }

    private void Sweep(DateTime now)
    {
        foreach (var (key, series) in _series)
        {
            // If too many are unfinished, memory stays limited: their next events start new series.
            if (!series.IsQueued && (now - series.LastAt >= SeriesEnd || _series.Count >= SweepAbove))
                _series.Remove(key);
        }

        foreach (var (key, bucket) in _buckets)
        {
            if (bucket.IsFull(time.GetTimestamp()))
                _buckets.Remove(key);
        }
    }
}
