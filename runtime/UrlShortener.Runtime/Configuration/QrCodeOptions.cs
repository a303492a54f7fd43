using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>QrCodes</c>: limits for pictures. Everybody can request them, and drawing one costs as much as hundreds of redirects.</summary>
internal sealed class QrCodeOptions
{
    /// <summary>Memory for drawn pictures, in bytes; when it is full, the least recently used ones are evicted. Default 16 MiB, which holds about 10,000
    /// pictures of the usual size.</summary>
    [Range(1 << 20, 1 << 30)]
    public int CacheBytes { get; set; } = 16 << 20;

    /// <summary>Pictures per minute that each process draws for one address (IPv6: one /64); those in memory are not counted. Default 300.</summary>
    [Range(1, 1_000_000)]
    public int RendersPerMinute { get; set; } = 300;
}
