using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Keys;

/// <summary>Codes straight from the registry, for a process without a shared pool: first those that an earlier run left unused, then fresh ones.</summary>
internal sealed class RegistryKeySource(IKeyStore store, KeyOptions options) : IKeySource
{
    // Read once; null until that has succeeded: otherwise new codes would be claimed in their place for ever.
    private Queue<string>? _unused;

    /// <inheritdoc />
    public async Task<IReadOnlyList<Key>> TakeAsync(int count, CancellationToken cancellationToken)
    {
        _unused ??= new Queue<string>(await store.ReadUnusedAsync(options.PoolSize, cancellationToken));
        var keys = new List<Key>(count);
        while (keys.Count < count && _unused.TryDequeue(out var code))
            keys.Add(new Key(code, 0));
        while (keys.Count == 0)
        {
            var codes = await store.AddAsync(KeyGenerator.Generate(count), cancellationToken);
            KeyMetrics.Generated.Inc(codes.Count);
            keys.AddRange(codes.Select(code => new Key(code, 0)));
        }

        return keys;
    }

    /// <inheritdoc />
    // They stand unused in the registry, where the next run finds them.
    public Task ReturnAsync(IReadOnlyList<Key> keys, CancellationToken cancellationToken) => Task.CompletedTask;
}
