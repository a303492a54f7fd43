namespace UrlShortener.Runtime.Keys;

/// <summary>The registry of claimed codes, and the unused ones kept ahead of demand in it.</summary>
internal interface IKeyClaims
{
    /// <summary>Adds generated codes as unused, in the epoch in force; returns those that were not there yet.</summary>
    Task<IReadOnlyList<Key>> AddAsync(IReadOnlyList<string> codes, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes codes that an earlier run added and did not use, at most <paramref name="limit"/>; returns how many. They are never used: where the data was
    /// restored since, some of them were. A code that a process still holds may be used nevertheless: its claim does not need the row.
    /// </summary>
    Task<int> DeleteLeftoversAsync(int limit, CancellationToken cancellationToken);
}
