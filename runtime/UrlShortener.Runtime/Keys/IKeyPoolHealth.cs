namespace UrlShortener.Runtime.Keys;

/// <summary>Whether there are codes ahead of demand, for the health of a process.</summary>
internal interface IKeyPoolHealth
{
    /// <summary>False: codes are made on demand, or soon will be.</summary>
    bool IsSufficient { get; }
}
