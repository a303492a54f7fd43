namespace UrlShortener.Runtime.Keys;

/// <summary>The region's pool of unused codes, filled by the key generation service and emptied by the processes that create links. One pool per epoch.</summary>
internal interface ISharedKeyPool
{
    /// <summary>Tells takers which epoch's pool is in force, and empties older ones.</summary>
    Task SetEpochAsync(int epoch, CancellationToken cancellationToken);

    /// <summary>Adds codes to the pool of an epoch.</summary>
    Task AddAsync(int epoch, IReadOnlyList<string> codes, CancellationToken cancellationToken);

    /// <summary>Takes at most <paramref name="count"/> codes of the epoch in force; none: the pool is empty, or no epoch was told.</summary>
    Task<IReadOnlyList<Key>> TakeAsync(int count, CancellationToken cancellationToken);

    /// <summary>Codes in the pool of an epoch.</summary>
    Task<long> CountAsync(int epoch, CancellationToken cancellationToken);
}
