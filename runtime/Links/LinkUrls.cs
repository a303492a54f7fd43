
namespace UrlShortener.Runtime.Links;

/// <summary>The URLs under which a link is published.</summary>
internal sealed class LinkUrls(LinkOptions options)
{
    private readonly string? _configured = options.PublicBaseUrl?.GetLeftPart(UriPartial.Authority);

    /// <summary>Scheme and authority, without a slash at the end: the configured ones, else those of the request.</summary>
    public string BaseOf(HttpRequest request) => _configured ?? $"{request.Scheme}://{request.Host}";

    /// <summary>The short URL of a code.</summary>
    public static string ShortUrl(string baseUrl, string shortCode) => $"{baseUrl}/{shortCode}";

    /// <summary>The address of a code's picture.</summary>
    public static string QrCodeUrl(string baseUrl, string shortCode) => $"{baseUrl}/api/v1/urls/{shortCode}/qr";
}
