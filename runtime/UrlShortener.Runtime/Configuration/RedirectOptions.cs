using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Redirects</c>: cache headers of redirects.</summary>
internal sealed class RedirectOptions
{
    /// <summary>
    /// How long a shared cache in front may answer for a link by itself (<c>CDN-Cache-Control</c>, RFC 9213), never beyond the link's expiry. Clicks that it
    /// answers are not counted, and it may serve a changed, deleted or blocked link for that long. Default 0: not at all.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan EdgeTtl { get; set; } = TimeSpan.Zero;
}
