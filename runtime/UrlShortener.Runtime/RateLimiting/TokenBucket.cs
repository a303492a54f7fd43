namespace UrlShortener.Runtime.RateLimiting;

/// <summary>
/// The state of a token bucket: it holds at most the tokens of one minute, refills evenly, and each request takes one token. Immutable; <see cref="Take"/>
/// returns the next state. Uses integers only: with fractions of tokens, a caller who waits exactly the given time would sometimes find no token.
/// </summary>
/// <param name="Parts">Parts of tokens at <paramref name="At"/>; a token has <see cref="PartsPerToken"/> of them.</param>
/// <param name="At">Unix milliseconds.</param>
internal readonly record struct TokenBucket(long Parts, long At)
{
    /// <summary>Time in which an empty bucket fills, in seconds.</summary>
    public const int WindowSeconds = 60;

    /// <summary>In one millisecond a bucket of <c>limit</c> tokens gets <c>limit</c> parts.</summary>
    public const long PartsPerToken = WindowSeconds * 1000L;

    /// <summary>A bucket from which nobody has taken a token.</summary>
    public static TokenBucket Full(int limit, long now) => new(limit * PartsPerToken, now);

    /// <summary>Takes one token if there is one.</summary>
    /// <param name="limit">Tokens of a full bucket, 1 to 1,000,000.</param>
    /// <param name="now">Unix milliseconds; if the clock goes back, nothing is refilled.</param>
    public (TokenBucket Next, RateLimitDecision Decision) Take(int limit, long now)
    {
        // A pause of the whole window fills any bucket; a longer one could only cause an overflow.
        var elapsed = Math.Clamp(now - At, 0, PartsPerToken);
        var (left, decision) = Decide(limit, Math.Min(limit * PartsPerToken, Parts + (elapsed * limit)));
        return (new TokenBucket(left, Math.Max(At, now)), decision);
    }

    /// <summary>Decides about a request for a bucket with so many parts, wherever it is stored, and returns the parts that remain.</summary>
    /// <param name="limit">Tokens of a full bucket, 1 to 1,000,000.</param>
    /// <param name="parts">Parts in the bucket, including the refill until now.</param>
    public static (long Left, RateLimitDecision Decision) Decide(int limit, long parts)
    {
        var allowed = parts >= PartsPerToken;
        var left = allowed ? parts - PartsPerToken : parts;
        var retryAfter = allowed ? 0 : Seconds(PartsPerToken - parts, limit);
        return (left, new RateLimitDecision(allowed, limit, (int)(left / PartsPerToken), retryAfter, Seconds((limit * PartsPerToken) - left, limit)));
    }

    // Rounded up: waiting a second too long does no harm, but after a second too little the request would be refused again.
    private static int Seconds(long parts, int limit) => (int)((parts + (limit * 1000L) - 1) / (limit * 1000L));
}

/// <summary>The answer to a request for one token.</summary>
/// <param name="Allowed">Whether the request may go on.</param>
/// <param name="Limit">Tokens of a full bucket.</param>
/// <param name="Remaining">Whole tokens left.</param>
/// <param name="RetryAfter">Seconds until the next token is available; 0 when allowed.</param>
/// <param name="Reset">Seconds until the bucket is full again.</param>
internal readonly record struct RateLimitDecision(bool Allowed, int Limit, int Remaining, int RetryAfter, int Reset);
