namespace UrlShortener.Runtime.Keys;

/// <summary>The newest epoch that this process has seen. It applies to codes and to states of links. It never decreases; safe from any thread.</summary>
internal sealed class KeyEpoch
{
    private int _current;

    /// <summary>Keys and states of smaller epochs are void.</summary>
    public int Current => Volatile.Read(ref _current);

    /// <summary>Records an epoch that was seen.</summary>
    public void Observe(int epoch)
    {
        var seen = Current;
        while (epoch > seen && Interlocked.CompareExchange(ref _current, epoch, seen) is var before && before != seen)
            seen = before;
    }
}
