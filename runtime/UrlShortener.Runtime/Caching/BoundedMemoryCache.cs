using BitFaster.Caching.Lru;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Primitives;

namespace UrlShortener.Runtime.Caching;

/// <summary>
/// A memory cache with a fixed capacity. When it is full, each new entry evicts one that was rarely used. The framework's own MemoryCache takes no new entries
/// when it is full until a task has sorted all of them, several times a second on a busy process. Sliding expiration, tokens and callbacks are not supported:
/// FusionCache, its one user, needs none of them.
/// </summary>
/// <param name="capacity">Most entries.</param>
/// <param name="time">The clock.</param>
/// <param name="stored">Called after an entry was stored, with its key.</param>
internal sealed class BoundedMemoryCache(int capacity, TimeProvider time, Action<object>? stored = null) : IMemoryCache
{
    private readonly ConcurrentLru<object, Held> _entries = new(Environment.ProcessorCount, capacity, EqualityComparer<object>.Default);

    /// <summary>Entries held, those past their time included.</summary>
    public int Count => _entries.Count;

    /// <summary>Entries that made room for others.</summary>
    public long Evicted => _entries.Metrics.Value?.Evicted ?? 0;

    /// <inheritdoc />
    public bool TryGetValue(object key, out object? value)
    {
        if (_entries.TryGet(key, out var held) && held.Ends > time.GetUtcNow().UtcTicks)
        {
            value = held.Value;
            return true;
        }

        value = null;
        return false;
    }

    /// <inheritdoc />
    public ICacheEntry CreateEntry(object key) => new Entry(this, key);

    /// <inheritdoc />
    public void Remove(object key) => _entries.TryRemove(key);

    /// <inheritdoc />
    public void Dispose()
    {
        // It holds only memory.
    }

    private void Set(Entry entry)
    {
        var ends = entry.AbsoluteExpiration ?? (entry.AbsoluteExpirationRelativeToNow is { } after ? time.GetUtcNow() + after : DateTimeOffset.MaxValue);
        _entries.AddOrUpdate(entry.Key, new Held(entry.Value, ends.UtcTicks));
        stored?.Invoke(entry.Key);
    }

    // Ticks of UTC.
    private sealed record Held(object? Value, long Ends);

    /// <summary>Stored when disposed of, as <see cref="IMemoryCache"/> requires.</summary>
    private sealed class Entry(BoundedMemoryCache cache, object key) : ICacheEntry
    {
        public object Key => key;

        public object? Value { get; set; }

        public DateTimeOffset? AbsoluteExpiration { get; set; }

        public TimeSpan? AbsoluteExpirationRelativeToNow { get; set; }

        public TimeSpan? SlidingExpiration
        {
            get => null;
            set => throw new NotSupportedException();
        }

        public IList<IChangeToken> ExpirationTokens => [];

        public IList<PostEvictionCallbackRegistration> PostEvictionCallbacks => [];

        public CacheItemPriority Priority { get; set; }

        public long? Size { get; set; }

        public void Dispose() => cache.Set(this);
    }
}
