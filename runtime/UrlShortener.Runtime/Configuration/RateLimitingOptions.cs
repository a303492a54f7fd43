using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>RateLimiting</c>: API requests per minute. Redirects are not limited here.</summary>
internal sealed class RateLimitingOptions
{
    /// <summary>Whether limits apply. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Requests per minute of one anonymous address (IPv6: one /64; a whole /48 gets 16 times as many). Default 10.</summary>
    [Range(1, 1_000_000)]
    public int Anonymous { get; set; } = 10;

    /// <summary>
    /// Invalid API keys and Bearer tokens that one address may send per minute. After that, credentials that were not valid within the last hour are
    /// refused without a lookup. Addresses are grouped as for <see cref="Anonymous"/>. Unset: the value of <see cref="Anonymous"/>.
    /// </summary>
    [Range(1, 1_000_000)]
    public int? FailedCredentials { get; set; }

    /// <summary>Requests per minute that a new free user gets. Default 100.</summary>
    [Range(1, 1_000_000)]
    public int Free { get; set; } = 100;

    /// <summary>Requests per minute that a new pro user gets. Default 1,000.</summary>
    [Range(1, 1_000_000)]
    public int Pro { get; set; } = 1_000;

    /// <summary>Requests per minute that a new enterprise user gets. Default 10,000.</summary>
    [Range(1, 1_000_000)]
    public int Enterprise { get; set; } = 10_000;

    /// <summary>Callers whose buckets are kept in memory; a new one evicts the least recently used one. Default 100,000.</summary>
    [Range(1_000, 10_000_000)]
    public int Capacity { get; set; } = 100_000;
}
