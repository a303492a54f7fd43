namespace UrlShortener.Runtime.Keys;

/// <summary>A generated code that no link uses yet.</summary>
/// <param name="Code">The code.</param>
/// <param name="Epoch">
/// The epoch of the pool that the code came from. Once a newer epoch is open, the code must not be used: a store that lost a link (a lossy failover) may
/// consider the code of that link unused.
/// </param>
internal readonly record struct Key(string Code, int Epoch)
{
    /// <summary>Makes a key of a code generated on demand. It was never in a pool, so no epoch voids it.</summary>
    public static Key OnDemand(string code) => new(code, int.MaxValue);
}
