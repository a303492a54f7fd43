namespace UrlShortener.Runtime.Caching;

/// <summary>
/// Entries of the log that were read before. Reads overlap, so that an entry comes up again for a while. Bounded: one forgotten early is applied twice,
/// which does no harm.
/// </summary>
internal sealed class SeenChanges(int capacity = SeenChanges.DefaultCapacity)
{
    private const int DefaultCapacity = 100_000;

    // No read looks back further than the overlap before the one that saw the entry first; twice that allows for clocks that differ. In a standby region that
    // is far behind, reads look back further, and an entry is applied once more every now and then.
    private static readonly TimeSpan Remembered = ReadWindow.Overlap * 2;

    private readonly HashSet<long> _ids = [];
    private readonly Queue<(long Id, TimeSpan At)> _order = [];

    /// <summary>Entries remembered.</summary>
    public int Count => _ids.Count;

    /// <summary>Whether an entry is new.</summary>
    public bool TryAdd(long id, TimeSpan now)
    {
        if (!_ids.Add(id))
            return false;
        _order.Enqueue((id, now));
        if (_order.Count > capacity)
            _ids.Remove(_order.Dequeue().Id);
        return true;
    }

    /// <summary>Forgets all: a store that lost changes gives their ids out again.</summary>
    public void Clear()
    {
        _ids.Clear();
        _order.Clear();
    }

    /// <summary>Forgets what cannot come up again. Called after reads that succeeded only: while they fail, the next one looks back further.</summary>
    public void Forget(TimeSpan now)
    {
        while (_order.TryPeek(out var oldest) && now - oldest.At > Remembered)
            _ids.Remove(_order.Dequeue().Id);
    }
}
