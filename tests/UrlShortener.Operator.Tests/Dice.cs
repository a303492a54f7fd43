namespace UrlShortener.Operator.Tests;

/// <summary>Numbers that look random and are the same for the same seed, so that a failure can be repeated.</summary>
/// <param name="seed">The seed.</param>
internal sealed class Dice(int seed)
{
    private ulong _state = (ulong)seed + 1;

    /// <summary>A number from 0 to below a limit (SplitMix64).</summary>
    public int Next(int limit)
    {
        _state += 0x9E3779B97F4A7C15;
        var mixed = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return (int)((mixed ^ (mixed >> 31)) % (ulong)limit);
    }
}
