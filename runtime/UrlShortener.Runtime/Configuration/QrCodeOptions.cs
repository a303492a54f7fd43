using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>QrCodes</c>: what pictures may cost. They are open to all, and drawing one costs as much as hundreds of redirects.</summary>
internal sealed class QrCodeOptions
{
    /// <summary>Memory for drawn pictures, in bytes; past it the ones unused longest give way. Default 16 MiB, which holds some 10,000 of the usual
    /// size.</summary>
    [Range(1 << 20, 1 << 30)]
    public int CacheBytes { get; set; } = 16 << 20;

    /// <summary>Pictures per minute that one address (IPv6: one /64) may have drawn by each process; those in memory are not counted. Default 300.</summary>
    [Range(1, 1_000_000)]
    public int RendersPerMinute { get; set; } = 300;
}
