namespace UrlShortener.Runtime.Keys;

/// <summary>The registry of claimed codes, which also holds the unused codes made ahead of demand.</summary>
internal interface IKeyClaims
{
    /// <summary>Adds generated codes as unused, in the epoch in force. Returns those that were not registered yet.</summary>
    Task<IReadOnlyList<Key>> AddAsync(IReadOnlyList<string> codes, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes at most <paramref name="limit"/> codes that an earlier run added and did not use; returns how many. They are never used, because after a restore
    /// some of them may belong to links that were lost. A code that a process still holds may be used nevertheless: its claim does not need the row.
    /// </summary>
    Task<int> DeleteLeftoversAsync(int limit, CancellationToken cancellationToken);
}
