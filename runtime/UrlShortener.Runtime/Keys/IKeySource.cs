namespace UrlShortener.Runtime.Keys;

/// <summary>Where a process gets unused codes from, a block at a time.</summary>
internal interface IKeySource
{
    /// <summary>Takes at most <paramref name="count"/> codes, which nobody else gets. None: there are none right now.</summary>
    Task<IReadOnlyList<Key>> TakeAsync(int count, CancellationToken cancellationToken);

    /// <summary>Gives back codes that were not used, when a process stops. What is not given back is lost, never used twice.</summary>
    Task ReturnAsync(IReadOnlyList<Key> keys, CancellationToken cancellationToken);
}
