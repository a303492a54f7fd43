namespace UrlShortener.Runtime.Keys;

/// <summary>Whether enough codes were made ahead of demand, for the health of a process.</summary>
internal interface IKeyPoolHealth
{
    /// <summary>False if codes are made on demand, or soon will be.</summary>
    bool IsSufficient { get; }
}
