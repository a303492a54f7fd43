using System.Threading.Channels;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Regions;

namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// The queue between redirects, which must not wait, and the writer. Bounded by count and by memory; a click that finds it full is dropped and counted. The
/// writer polls on a timer: waking it would cost a redirect more than the rest of the capture.
/// </summary>
internal sealed class ClickQueue(ClickOptions options, WriteAccess access)
{
    private readonly Channel<Click> _clicks = Channel.CreateBounded<Click>(
        new BoundedChannelOptions(options.QueueCapacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait }
    );

    // Bytes of the queued clicks. Redirects add before they enqueue and the writer subtracts after it dequeues, so that the sum is never too small.
    private long _bytes;

    /// <summary>Clicks waiting.</summary>
    public int Count => _clicks.Reader.Count;

    /// <summary>Approximate memory of the waiting clicks, in bytes.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Adds a click without waiting.</summary>
    public void Add(in Click click)
    {
        var bytes = click.ApproximateBytes;
        if (Interlocked.Add(ref _bytes, bytes) <= options.QueueBytes && _clicks.Writer.TryWrite(click))
            return;
        Interlocked.Add(ref _bytes, -bytes);
        (access.IsReadOnly ? ClickMetrics.DroppedInReadOnlyRegion : ClickMetrics.DroppedAtQueue).Inc();
    }

    /// <summary>Looks at the oldest click.</summary>
    public bool TryPeek(out Click click) => _clicks.Reader.TryPeek(out click);

    /// <summary>Takes the oldest click.</summary>
    public bool TryTake(out Click click)
    {
        if (!_clicks.Reader.TryRead(out click))
            return false;
        Interlocked.Add(ref _bytes, -click.ApproximateBytes);
        return true;
    }
}
