namespace UrlShortener.Runtime.Keys;

/// <summary>The region's pool of unused codes. The key generation service fills it; the processes that create links take codes from it. Each epoch has its own
/// pool.</summary>
internal interface IRegionPool
{
    /// <summary>Returns the epoch that is set in the pool; null if none is.</summary>
    Task<int?> ReadEpochAsync(CancellationToken cancellationToken);

    /// <summary>Sets the epoch whose pool is in force, and empties older pools. Returns the epoch in force, which is newer if the pool already had a newer
    /// one.</summary>
    Task<int> SetEpochAsync(int epoch, CancellationToken cancellationToken);

    /// <summary>Adds codes to the pool of an epoch.</summary>
    Task AddAsync(int epoch, IReadOnlyList<string> codes, CancellationToken cancellationToken);

    /// <summary>Takes at most <paramref name="count"/> codes of the epoch in force. Returns none if the pool is empty or no epoch is set.</summary>
    Task<IReadOnlyList<Key>> TakeAsync(int count, CancellationToken cancellationToken);

    /// <summary>Checks whether codes can be taken, as far as the servers report; true while no server answers.</summary>
    Task<bool> CheckAsync(CancellationToken cancellationToken) => Task.FromResult(true);

    /// <summary>Counts the codes in the pool of an epoch.</summary>
    Task<long> CountAsync(int epoch, CancellationToken cancellationToken);
}
