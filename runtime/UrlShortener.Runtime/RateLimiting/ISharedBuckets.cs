namespace UrlShortener.Runtime.RateLimiting;

/// <summary>Token buckets that the processes of a region share, by the servers' clock.</summary>
internal interface ISharedBuckets
{
    /// <summary>Takes a token as <see cref="TokenBucket"/> does, in one round trip; null: the servers are out of reach and the caller falls back on a bucket of
    /// its own.</summary>
    ValueTask<RateLimitDecision?> TakeAsync(string caller, int limit, CancellationToken cancellationToken);

    /// <summary>Processes that lately shared the buckets, this one included; the last number known while the servers are out of reach. At least 1.</summary>
    int Processes { get; }
}
