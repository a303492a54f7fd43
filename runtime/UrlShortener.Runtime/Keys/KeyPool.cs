using System.Collections.Concurrent;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Keys;

/// <summary>
/// Unused codes in memory, so that a create never waits for one. The transaction that stores a link also claims its code in the registry. A code that is
/// handed out and then lost with the process is never used.
/// </summary>
internal sealed class KeyPool(KeyOptions options, KeyEpoch epoch) : IKeyPoolHealth, IDisposable
{
    private readonly ConcurrentQueue<Key> _keys = new();
    private readonly SemaphoreSlim _low = new(0, 1);

    /// <summary>Number of codes in the pool.</summary>
    public int Level => _keys.Count;

    /// <inheritdoc />
    public bool IsSufficient => Level > options.LowWatermark / 10;

    /// <summary>Returns a code that this process has not handed out before. Never waits: if the pool is empty, it makes a code on demand. Drops codes of closed
    /// epochs.</summary>
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

    /// <summary>Adds codes that no other process has.</summary>
    public void Add(IEnumerable<Key> keys)
    {
        foreach (var key in keys)
            _keys.Enqueue(key);
        KeyMetrics.PoolLevel.Set(_keys.Count);
    }

    /// <summary>Takes all codes, to return them to their source. Drops codes of closed epochs.</summary>
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

    /// <summary>Completes when the level falls below the low watermark.</summary>
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
            // Another thread has already signalled it.
        }
    }
}
