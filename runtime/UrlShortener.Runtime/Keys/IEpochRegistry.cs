namespace UrlShortener.Runtime.Keys;

/// <summary>The epochs of a store. Opening an epoch voids what older ones left behind: unused codes, and states of links held in caches.</summary>
internal interface IEpochRegistry
{
    /// <summary>Returns the epoch in force; 0 before any was opened.</summary>
    Task<int> ReadEpochAsync(CancellationToken cancellationToken);

    /// <summary>Opens an epoch. Returns the epoch in force, which is newer if another process opened a newer one first.</summary>
    Task<int> OpenEpochAsync(int epoch, CancellationToken cancellationToken);
}
