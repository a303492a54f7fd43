using System.Buffers;
using System.Text;
using System.Text.Json;
using UrlShortener.Runtime.Clicks.Events;
using UrlShortener.Runtime.Clicks.Spool;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Clicks.Publishing;

/// <summary>
/// Puts the event of each click into the spool, then stores the clicks as without events, if the store answers statistics.
/// Used by the writer only, one batch at a time.
/// </summary>
/// <param name="spool">The spool.</param>
/// <param name="publisher">Takes the events from there.</param>
/// <param name="store">The store of clicks; null: clicks are loaded from their events, and statistics answered from there.</param>
internal sealed class SpoolingClickSink(ClickSpool spool, ClickPublisher publisher, IClickSink? store = null) : IClickSink, IDisposable
{
    // As in the writer: redirects that wait for this core come first.
    private const int ClicksPerYield = 64;

    private readonly ArrayBufferWriter<byte> _value = new(1_024);
    private readonly ArrayBufferWriter<byte> _key = new(64);
    private readonly Utf8JsonWriter _json = new(Stream.Null);

    // Thousands of events in a row: in a thread of the pool, redirects would wait for them.
    private readonly BackgroundWorker _worker = new("Click spool");

    // The store may fail and get the batch again; its events are in the spool already.
    private Guid? _spooled;

    /// <inheritdoc />
    public bool TakesClicksOfReadOnlyRegion => store is null;

    /// <inheritdoc />
    public async Task AppendAsync(Guid batch, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
    {
        if (_spooled != batch)
        {
            _spooled = batch;
            await _worker.RunAsync(() => Spool(batch, clicks));
            publisher.Wake();
        }

        if (store is not null)
            await store.AppendAsync(batch, clicks, cancellationToken);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _worker.Dispose();
        _json.Dispose();
    }

    private void Spool(Guid batch, IReadOnlyList<StoredClick> clicks)
    {
        // First, since the publisher may be done with some of them before the last one is written.
        ClickEventMetrics.Captured.Inc(clicks.Count);
        var (full, lost) = (0, 0);
        for (var i = 0; i < clicks.Count; i++)
        {
            var click = clicks[i];
            Encode(ClickEvent.IdOf(batch, i, click.At), click);
            var append = spool.Append(_key.WrittenSpan, _value.WrittenSpan);
            full += append.IsAdded ? 0 : 1;
            lost += append.Lost;
            if (i % ClicksPerYield == ClicksPerYield - 1)
                Thread.Yield();
        }

        lost += spool.Flush();
        ClickEventMetrics.DroppedAtFullSpool.Inc(full);
        ClickEventMetrics.DroppedAtFailedSpool.Inc(lost);
    }

    private void Encode(Guid id, in StoredClick click)
    {
        _key.ResetWrittenCount();
        Encoding.UTF8.GetBytes(click.ShortCode, _key);
        _value.ResetWrittenCount();
        _json.Reset(_value);
        // A reader that counts must not count again what the store counts.
        ClickEvent.Write(_json, id, click, isCounted: store is not null);
        _json.Flush();
    }
}
