namespace UrlShortener.Runtime.Keys;

/// <summary>The registry of claimed codes, and the unused ones kept ahead of demand in it.</summary>
internal interface IKeyStore
{
    /// <summary>Adds generated codes as unused; returns those that were not there yet.</summary>
    Task<IReadOnlyList<string>> AddAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken);

    /// <summary>Unused codes left by an earlier run, at most <paramref name="limit"/>.</summary>
    Task<IReadOnlyList<string>> ReadUnusedAsync(int limit, CancellationToken cancellationToken);
}
