namespace UrlShortener.Runtime.Keys;

/// <summary>Codes from the region's pool, which the key generation service fills.</summary>
internal sealed class SharedKeySource(IRegionPool pool, KeyEpoch epoch) : IKeySource
{
    /// <inheritdoc />
    public async Task<IReadOnlyList<Key>> TakeAsync(int count, CancellationToken cancellationToken)
    {
        var keys = await pool.TakeAsync(count, cancellationToken);
        if (keys.Count > 0)
            epoch.Observe(keys[0].Epoch);
        return keys;
    }

    /// <inheritdoc />
    public async Task ReturnAsync(IReadOnlyList<Key> keys, CancellationToken cancellationToken)
    {
        // Codes made on demand were never in a pool, and it is not known whether they are free.
        foreach (var pooled in keys.Where(key => key.Epoch != int.MaxValue).GroupBy(key => key.Epoch, key => key.Code))
            await pool.AddAsync(pooled.Key, [.. pooled], cancellationToken);
    }
}
