namespace UrlShortener.Runtime.Keys;

/// <summary>A generated code that no link has yet.</summary>
/// <param name="Code">The code.</param>
/// <param name="Epoch">
/// The epoch whose pool it came from. Once a newer epoch is open it must not be used: the store that forgot a link it had (a lossy failover) may take
/// the link's code for unused.
/// </param>
internal readonly record struct Key(string Code, int Epoch)
{
    /// <summary>A code made on the spot. It never lay in a pool, so that no epoch ends it.</summary>
    public static Key OnDemand(string code) => new(code, int.MaxValue);
}
