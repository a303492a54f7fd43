using BitFaster.Caching.Lru;

namespace UrlShortener.Runtime.RateLimiting;

/// <summary>Token buckets of this process, one per caller. The number is limited; the least recently used one is evicted, and starts full on next
/// use.</summary>
/// <param name="capacity">Largest number of buckets.</param>
/// <param name="time">The clock for the refill.</param>
internal sealed class LocalBuckets(int capacity, TimeProvider time)
{
    private readonly ConcurrentLru<string, Bucket> _buckets = new(capacity);

    /// <summary>Takes a token from a caller's bucket, which holds <paramref name="limit"/> tokens when full.</summary>
    public RateLimitDecision Take(string caller, int limit) => BucketOf(caller, limit).Take(limit, time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>Returns what taking a token would answer, without taking it.</summary>
    public RateLimitDecision Peek(string caller, int limit) => BucketOf(caller, limit).Peek(limit, time.GetUtcNow().ToUnixTimeMilliseconds());

    private Bucket BucketOf(string caller, int limit) => _buckets.GetOrAdd(caller, static (_, limit) => new Bucket(limit), limit);

    private sealed class Bucket(int limit)
    {
        private readonly Lock _lock = new();
        private TokenBucket _state = TokenBucket.Full(limit, 0);

        public RateLimitDecision Take(int current, long now)
        {
            lock (_lock)
            {
                (_state, var decision) = _state.Take(current, now);
                return decision;
            }
        }

        public RateLimitDecision Peek(int current, long now)
        {
            lock (_lock)
                return _state.Take(current, now).Decision;
        }
    }
}
