namespace UrlShortener.Runtime.Keys;

/// <summary>The source of unused codes of a process. It gives them out in blocks.</summary>
internal interface IKeySource
{
    /// <summary>Takes at most <paramref name="count"/> codes, which no other process gets. Returns none if none are available now.</summary>
    Task<IReadOnlyList<Key>> TakeAsync(int count, CancellationToken cancellationToken);

    /// <summary>Returns unused codes when a process stops. Codes that are not returned are lost and never used.</summary>
    Task ReturnAsync(IReadOnlyList<Key> keys, CancellationToken cancellationToken);
}
