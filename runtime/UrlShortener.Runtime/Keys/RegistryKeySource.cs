using UrlShortener.Runtime.Codes;

namespace UrlShortener.Runtime.Keys;

/// <summary>
/// Fresh codes straight from the registry, for a process without a shared pool. Codes that earlier runs left unused are not taken: after a restore, links that
/// the store has lost may have had them.
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
    // They stand unused in the registry, where they are deleted in the next run.
    public Task ReturnAsync(IReadOnlyList<Key> keys, CancellationToken cancellationToken) => Task.CompletedTask;
}
