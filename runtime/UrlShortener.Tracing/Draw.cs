namespace UrlShortener.Tracing;

/// <summary>
/// Draws a share of events at random, for a few nanoseconds each. The library decides when a span begins, which for each one that is not recorded costs a redirect
/// a fifth of its processor time.
/// </summary>
/// <param name="ratio">The share, 0 to 1.</param>
internal sealed class Draw(double ratio)
{
    // Weyl sequence and finalizer of SplitMix64: uniform, and nothing that a caller sees depends on it.
    private const ulong Step = 0x9E3779B97F4A7C15;

    // Doubles are exact up to this number of bits.
    private const int Bits = 53;

    private ulong _state = (ulong)Environment.TickCount64 * Step;

    /// <summary>Whether the next event is drawn.</summary>
    public bool TakesNext()
    {
        var mixed = Interlocked.Add(ref _state, Step);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        mixed ^= mixed >> 31;
        return (mixed >> (64 - Bits)) * (1.0 / (1UL << Bits)) < ratio;
    }
}
