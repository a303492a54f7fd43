using System.Collections.Concurrent;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Keys;

/// <summary>
/// Unused codes in memory, so that a create never waits for one. All of them stand unused in the registry too; one is claimed there in the transaction that
/// stores its link, so a code that is handed out and then lost with the process is simply found unused at the next start.
/// </summary>
internal sealed class KeyPool(KeyOptions options) : IDisposable
{
    private readonly ConcurrentQueue<string> _keys = new();
    private readonly SemaphoreSlim _low = new(0, 1);

    /// <summary>Codes at hand.</summary>
    public int Level => _keys.Count;

    /// <summary>A code that this process has not handed out before. Never waits: an empty pool makes one on the spot.</summary>
    public string Take()
    {
        if (!_keys.TryDequeue(out var key))
        {
            KeyMetrics.OnDemand.Inc();
            key = KeyGenerator.Generate();
        }

        if (_keys.Count < options.LowWatermark)
            SignalLow();
        return key;
    }

    /// <summary>Adds codes that stand unused in the registry.</summary>
    public void Add(IEnumerable<string> keys)
    {
        foreach (var key in keys)
            _keys.Enqueue(key);
        KeyMetrics.PoolLevel.Set(_keys.Count);
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
