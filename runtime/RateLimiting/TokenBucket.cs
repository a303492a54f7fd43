namespace UrlShortener.Runtime.RateLimiting;

/// <summary>
/// The state of a token bucket: it holds at most a minute's tokens, refills evenly and each request takes one. A value; <see cref="Take"/> gives the next.
/// </summary>
/// <param name="Tokens">Tokens at <paramref name="At"/>, fractions included.</param>
/// <param name="At">Unix milliseconds.</param>
internal readonly record struct TokenBucket(double Tokens, long At)
{
    /// <summary>Time in which an empty bucket fills, in seconds.</summary>
    public const int WindowSeconds = 60;

    /// <summary>A bucket nobody has taken from.</summary>
    public static TokenBucket Full(int limit, long now) => new(limit, now);

    /// <summary>Takes one token when there is one.</summary>
    /// <param name="limit">Tokens of a full bucket, at least 1.</param>
    /// <param name="now">Unix milliseconds; a clock that steps back refills nothing.</param>
    public (TokenBucket Next, RateLimitDecision Decision) Take(int limit, long now)
    {
        var perSecond = limit / (double)WindowSeconds;
        var elapsed = Math.Max(0, now - At);
        var tokens = Math.Min(limit, Tokens + (elapsed * perSecond / 1000));
        var allowed = tokens >= 1;
        var left = allowed ? tokens - 1 : tokens;
        var retryAfter = allowed ? 0 : (int)Math.Ceiling((1 - tokens) / perSecond);
        var reset = (int)Math.Ceiling((limit - left) / perSecond);
        return (new TokenBucket(left, Math.Max(At, now)), new RateLimitDecision(allowed, limit, (int)left, Math.Max(allowed ? 0 : 1, retryAfter), reset));
    }
}

/// <summary>The answer to one request for a token.</summary>
/// <param name="Allowed">Whether the request may go on.</param>
/// <param name="Limit">Tokens of a full bucket.</param>
/// <param name="Remaining">Whole tokens left.</param>
/// <param name="RetryAfter">Seconds until there is a token again; 0 when allowed.</param>
/// <param name="Reset">Seconds until the bucket is full again.</param>
internal readonly record struct RateLimitDecision(bool Allowed, int Limit, int Remaining, int RetryAfter, int Reset);
