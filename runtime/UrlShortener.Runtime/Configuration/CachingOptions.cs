using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Caching</c>: the in-process cache in front of the store.</summary>
internal sealed class CachingOptions
{
    /// <summary>How long a link is served from memory. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan Ttl { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the absence of a code is cached. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan NegativeTtl { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long after its time in the cache a link may still be served while the store fails. Default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan StaleTtl { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Most codes kept in memory, existing and absent ones together. Default 100,000.</summary>
    [Range(1_000, 10_000_000)]
    public int Capacity { get; set; } = 100_000;
}
