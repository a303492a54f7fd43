namespace UrlShortener.Runtime.Health;

/// <summary>Checks how well the store works.</summary>
internal interface IStoreHealth
{
    /// <summary>Returns what the store can do right now.</summary>
    Task<StoreState> CheckAsync(CancellationToken cancellationToken);
}

/// <summary>What a store can do.</summary>
internal enum StoreState
{
    /// <summary>The store reads and writes.</summary>
    Healthy,

    /// <summary>The store only reads, from a replica: links redirect, but none can be created.</summary>
    ReadOnly,

    /// <summary>The store neither reads nor writes.</summary>
    Down,
}
