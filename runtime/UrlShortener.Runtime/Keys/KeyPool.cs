using System.Collections.Concurrent;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Keys;

/// <summary>
/// Unused codes in memory, so that a create never waits for one. Each is claimed in the registry in the transaction that stores its link; one that is
/// handed out and then lost with the process is never used.
/// </summary>
internal sealed class KeyPool(KeyOptions options, KeyEpoch epoch) : IKeyPoolHealth, IDisposable
{
    private readonly ConcurrentQueue<Key> _keys = new();
    private readonly SemaphoreSlim _low = new(0, 1);

    /// <summary>Codes at hand.</summary>
    public int Level => _keys.Count;

    /// <inheritdoc />
    public bool IsSufficient => Level > options.LowWatermark / 10;

    /// <summary>A code that this process has not handed out before. Never waits: an empty pool makes one on the spot. Codes of closed epochs are
    /// dropped.</summary>
    public Key Take()
    {
        Key key;
        bool isPooled;
        while ((isPooled = _keys.TryDequeue(out key)) && key.Epoch < epoch.Current)
            KeyMetrics.Discarded.Inc();
        if (!isPooled)
        {
            KeyMetrics.OnDemand.Inc();
            key = Key.OnDemand(CodeGenerator.Generate());
        }

        if (_keys.Count < options.LowWatermark)
            SignalLow();
        return key;
    }

    /// <summary>Adds codes that nobody else has.</summary>
    public void Add(IEnumerable<Key> keys)
    {
        foreach (var key in keys)
            _keys.Enqueue(key);
        KeyMetrics.PoolLevel.Set(_keys.Count);
    }

    /// <summary>Takes all there is, to give it back. Codes of closed epochs are dropped.</summary>
    public IReadOnlyList<Key> TakeAll()
    {
        var keys = new List<Key>();
        while (_keys.TryDequeue(out var key))
        {
            if (key.Epoch >= epoch.Current)
                keys.Add(key);
            else
                KeyMetrics.Discarded.Inc();
        }

        KeyMetrics.PoolLevel.Set(0);
        return keys;
    }

    /// <summary>Completes once the level has fallen below the low watermark.</summary>
    public Task WaitUntilLowAsync(CancellationToken cancellationToken) => _low.WaitAsync(cancellationToken);

    /// <inheritdoc />
    public void Dispose() => _low.Dispose();

    private void SignalLow()
    {
        KeyMetrics.PoolLevel.Set(_keys.Count);
        if (_low.CurrentCount > 0)
            return;
        try
        {
            _low.Release();
        }
        catch (SemaphoreFullException)
        {
            // Another thread said so first.
        }
    }
}
