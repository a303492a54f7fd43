namespace UrlShortener.Runtime.RateLimiting;

/// <summary>Token buckets that the processes of a region share. They use the servers' clock.</summary>
internal interface ISharedBuckets
{
    /// <summary>Takes a token as <see cref="TokenBucket"/> does, in one round trip. Null: the servers are unreachable, and the caller falls back to a local
    /// bucket.</summary>
    ValueTask<RateLimitDecision?> TakeAsync(string caller, int limit, CancellationToken cancellationToken);

    /// <summary>Processes that shared the buckets recently, including this one; the last known number while the servers are unreachable. At least 1.</summary>
    int Processes { get; }
}
