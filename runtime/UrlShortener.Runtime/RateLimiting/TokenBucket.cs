namespace UrlShortener.Runtime.RateLimiting;

/// <summary>
/// The state of a token bucket: it holds at most a minute's tokens, refills evenly and each request takes one. A value; <see cref="Take"/> gives the next.
/// Whole numbers only: with fractions of tokens, a caller who waits as long as they were told would now and then find none.
/// </summary>
/// <param name="Parts">Parts of tokens at <paramref name="At"/>, <see cref="PartsPerToken"/> to the token.</param>
/// <param name="At">Unix milliseconds.</param>
internal readonly record struct TokenBucket(long Parts, long At)
{
    /// <summary>Time in which an empty bucket fills, in seconds.</summary>
    public const int WindowSeconds = 60;

    /// <summary>In one millisecond a bucket of <c>limit</c> tokens gets <c>limit</c> parts.</summary>
    public const long PartsPerToken = WindowSeconds * 1000L;

    /// <summary>A bucket nobody has taken from.</summary>
    public static TokenBucket Full(int limit, long now) => new(limit * PartsPerToken, now);

    /// <summary>Takes one token when there is one.</summary>
    /// <param name="limit">Tokens of a full bucket, 1 to 1,000,000.</param>
    /// <param name="now">Unix milliseconds; a clock that steps back refills nothing.</param>
    public (TokenBucket Next, RateLimitDecision Decision) Take(int limit, long now)
    {
        // A pause of the whole window fills any bucket; longer ones could only overflow.
        var elapsed = Math.Clamp(now - At, 0, PartsPerToken);
        var (left, decision) = Decide(limit, Math.Min(limit * PartsPerToken, Parts + (elapsed * limit)));
        return (new TokenBucket(left, Math.Max(At, now)), decision);
    }

    /// <summary>What a request gets that finds so many parts, wherever the bucket is kept, and the parts that it leaves.</summary>
    /// <param name="limit">Tokens of a full bucket, 1 to 1,000,000.</param>
    /// <param name="parts">Parts in the bucket, the refill until now included.</param>
    public static (long Left, RateLimitDecision Decision) Decide(int limit, long parts)
    {
        var allowed = parts >= PartsPerToken;
        var left = allowed ? parts - PartsPerToken : parts;
        var retryAfter = allowed ? 0 : Seconds(PartsPerToken - parts, limit);
        return (left, new RateLimitDecision(allowed, limit, (int)(left / PartsPerToken), retryAfter, Seconds((limit * PartsPerToken) - left, limit)));
    }

    // Rounded up: a second too long is polite, one too short is a lie.
    private static int Seconds(long parts, int limit) => (int)((parts + (limit * 1000L) - 1) / (limit * 1000L));
}

/// <summary>The answer to one request for a token.</summary>
/// <param name="Allowed">Whether the request may go on.</param>
/// <param name="Limit">Tokens of a full bucket.</param>
/// <param name="Remaining">Whole tokens left.</param>
/// <param name="RetryAfter">Seconds until there is a token again; 0 when allowed.</param>
/// <param name="Reset">Seconds until the bucket is full again.</param>
internal readonly record struct RateLimitDecision(bool Allowed, int Limit, int Remaining, int RetryAfter, int Reset);
