namespace UrlShortener.Runtime.Keys;

/// <summary>The region's pool of unused codes, filled by the key generation service and emptied by the processes that create links. One pool per
/// epoch.</summary>
internal interface IRegionPool
{
    /// <summary>The epoch that takers were told; null: none.</summary>
    Task<int?> ReadEpochAsync(CancellationToken cancellationToken);

    /// <summary>Tells takers which epoch's pool is in force, and empties older ones. Returns the epoch in force, which is newer when the pool knew a newer
    /// one.</summary>
    Task<int> SetEpochAsync(int epoch, CancellationToken cancellationToken);

    /// <summary>Adds codes to the pool of an epoch.</summary>
    Task AddAsync(int epoch, IReadOnlyList<string> codes, CancellationToken cancellationToken);

    /// <summary>Takes at most <paramref name="count"/> codes of the epoch in force; none: the pool is empty, or no epoch was told.</summary>
    Task<IReadOnlyList<Key>> TakeAsync(int count, CancellationToken cancellationToken);

    /// <summary>Whether codes can be taken, as far as the servers say; true while none answers.</summary>
    Task<bool> CheckAsync(CancellationToken cancellationToken) => Task.FromResult(true);

    /// <summary>Codes in the pool of an epoch.</summary>
    Task<long> CountAsync(int epoch, CancellationToken cancellationToken);
}
