using UrlShortener.Runtime.Links;

namespace UrlShortener.Runtime.Caching;

/// <summary>
/// Changes that must still be sent to the shared tier, one per code. Each is sent twice: a server that dies may lose the first one before its replica has it.
/// Bounded; for one thread.
/// </summary>
internal sealed class PendingChanges(int capacity = PendingChanges.DefaultCapacity)
{
    /// <summary>Time from the first success to the second try. Longer than a failover takes.</summary>
    public static readonly TimeSpan RepeatDelay = TimeSpan.FromSeconds(15);

    /// <summary>Time from a failure to the next try.</summary>
    public static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private const int DefaultCapacity = 100_000;

    // Oldest first. At its bound it takes a few milliseconds to walk through.
    private readonly LinkedList<Pending> _order = [];
    private readonly Dictionary<string, LinkedListNode<Pending>> _byCode = new(StringComparer.Ordinal);

    /// <summary>Codes that wait.</summary>
    public int Count => _byCode.Count;

    /// <summary>Adds a change, due at once.</summary>
    /// <param name="change">The change; of two of one code the newer one counts.</param>
    /// <param name="now">The time, on any scale.</param>
    /// <param name="times">How often the tier is told of it.</param>
    /// <returns>Changes dropped to make room: 0 or 1.</returns>
    public int Add(LinkVersion change, TimeSpan now, int times)
    {
        if (_byCode.TryGetValue(change.ShortCode, out var known))
        {
            if (known.Value.Change.Version >= change.Version)
                return 0;
            Remove(known);
        }

        _byCode.Add(change.ShortCode, _order.AddLast(new Pending(change, now, times)));
        if (_byCode.Count <= capacity)
            return 0;
        Remove(_order.First!);
        return 1;
    }

    /// <summary>Changes that are due, oldest first.</summary>
    public IReadOnlyList<LinkVersion> FindDue(TimeSpan now, int limit) =>
        [.. _order.Where(pending => pending.Due <= now).Take(limit).Select(pending => pending.Change)];

    /// <summary>Notes what became of a change that was due.</summary>
    public void Note(LinkVersion change, bool isApplied, TimeSpan now)
    {
        if (!_byCode.TryGetValue(change.ShortCode, out var node) || node.Value.Change != change)
            return;
        var pending = node.Value;
        if (!isApplied)
            node.Value = pending with { Due = now + RetryDelay };
        else if (pending.Times > 1)
            node.Value = pending with { Due = now + RepeatDelay, Times = pending.Times - 1 };
        else
            Remove(node);
    }

    private void Remove(LinkedListNode<Pending> node)
    {
        _byCode.Remove(node.Value.Change.ShortCode);
        _order.Remove(node);
    }

    private readonly record struct Pending(LinkVersion Change, TimeSpan Due, int Times);
}
