namespace UrlShortener.Runtime.Health;

/// <summary>Tells how well the store works.</summary>
internal interface IStoreHealth
{
    /// <summary>What the store can do right now.</summary>
    Task<StoreState> CheckAsync(CancellationToken cancellationToken);
}

/// <summary>What a store can do.</summary>
internal enum StoreState
{
    /// <summary>Reads and writes.</summary>
    Healthy,

    /// <summary>Reads, from a replica: links are followed, none can be created.</summary>
    ReadOnly,

    /// <summary>Nothing.</summary>
    Down,
}
