namespace UrlShortener.Runtime.Keys;

/// <summary>The newest epoch that this process knows of, of codes and of the states of links. Only ever goes up; safe from any thread.</summary>
internal sealed class KeyEpoch
{
    private int _current;

    /// <summary>Keys and states of smaller epochs are void.</summary>
    public int Current => Volatile.Read(ref _current);

    /// <summary>Takes note of an epoch seen anywhere.</summary>
    public void Observe(int epoch)
    {
        var seen = Current;
        while (epoch > seen && Interlocked.CompareExchange(ref _current, epoch, seen) is var before && before != seen)
            seen = before;
    }
}
