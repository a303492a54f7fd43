using UrlShortener.Runtime.Codes;

namespace UrlShortener.Runtime.Keys;

/// <summary>
/// Newly generated codes directly from the registry, for a process without a shared pool. Codes that earlier runs left unused are not taken: after a restore,
/// they may belong to links that the store has lost.
/// </summary>
internal sealed class RegistryKeySource(IKeyClaims store, KeyEpoch epoch) : IKeySource
{
    /// <inheritdoc />
    public async Task<IReadOnlyList<Key>> TakeAsync(int count, CancellationToken cancellationToken)
    {
        IReadOnlyList<Key> keys = [];
        while (keys.Count == 0)
            keys = await store.AddAsync(CodeGenerator.Generate(count), cancellationToken);
        KeyMetrics.Generated.Inc(keys.Count);
        epoch.Observe(keys[0].Epoch);
        return keys;
    }

    /// <inheritdoc />
    // They stay unused in the registry; the next run deletes them.
    public Task ReturnAsync(IReadOnlyList<Key> keys, CancellationToken cancellationToken) => Task.CompletedTask;
}
