using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.RateLimiting;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Redis;

/// <summary>
/// Token buckets in Redis, by the clock of Redis. The script does the same as <see cref="TokenBucket.Take"/>, in the same whole numbers. The largest number, a
/// full bucket of 1,000,000 tokens, is far below the largest integer that Lua's doubles represent exactly.
/// </summary>
internal sealed class RedisBuckets(RedisConnection connection, ProcessCensus census, RedisOptions options) : ISharedBuckets
{
    // Returns the parts that were in the bucket before the request; TokenBucket decides what the request gets for them. A bucket is full after a window without
    // requests, at any limit, so it expires then.
    private static readonly RedisScript Take = new(
        "take tokens",
        """
        local limit, token = tonumber(ARGV[1]), tonumber(ARGV[2])
        local clock = redis.call('TIME')
        local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
        local held = redis.call('HMGET', KEYS[1], 'parts', 'at')
        local parts, at = tonumber(held[1]), tonumber(held[2])
        if parts and at then
          local elapsed = math.max(0, math.min(now - at, token))
          parts = math.min(limit * token, parts + elapsed * limit)
          at = math.max(at, now)
        else
          parts, at = limit * token, now
        end
        local left = parts
        if parts >= token then left = parts - token end
        redis.call('HSET', KEYS[1], 'parts', string.format('%.0f', left), 'at', string.format('%.0f', at))
        redis.call('PEXPIRE', KEYS[1], ARGV[3])
        return parts
        """
    );

    private readonly string _prefix = $"{options.KeyPrefix}:rate:";

    /// <inheritdoc />
    public int Processes => census.Processes;

    /// <inheritdoc />
    // A brace in a caller's name is harmless: it only moves the bucket to another slot.
    public async ValueTask<RateLimitDecision?> TakeAsync(string caller, int limit, CancellationToken cancellationToken)
    {
        try
        {
            var parts = await connection.Requests.RunAsync(
                Take,
                _prefix + caller,
                [limit, TokenBucket.PartsPerToken, TokenBucket.WindowSeconds * 1000],
                cancellationToken
            );
            return TokenBucket.Decide(limit, (long)parts).Decision;
        }
        catch (DependencyException)
        {
            return null;
        }
    }
}
