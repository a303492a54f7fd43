using System.Threading.Channels;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// Clicks between the redirects, which must not wait, and the writer. Bounded by count and by memory; a click that finds it full is dropped and counted. The
/// writer looks by the clock and is never woken by a click: waking it would cost a redirect more than all the rest of the capture.
/// </summary>
internal sealed class ClickQueue(ClickOptions options)
{
    private readonly Channel<Click> _clicks = Channel.CreateBounded<Click>(
        new BoundedChannelOptions(options.QueueCapacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait }
    );

    // Of the clicks in the queue. Redirects add before the click is in it, the writer subtracts after it took one: never less than there is.
    private long _bytes;

    /// <summary>Clicks waiting.</summary>
    public int Count => _clicks.Reader.Count;

    /// <summary>About how much memory they take.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Adds a click without waiting.</summary>
    public void Add(in Click click)
    {
        var bytes = click.ApproximateBytes;
        if (Interlocked.Add(ref _bytes, bytes) <= options.QueueBytes && _clicks.Writer.TryWrite(click))
            return;
        Interlocked.Add(ref _bytes, -bytes);
        ClickMetrics.Dropped.Inc();
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
