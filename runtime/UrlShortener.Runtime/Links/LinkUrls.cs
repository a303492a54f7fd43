using UrlShortener.Runtime.Http;

namespace UrlShortener.Runtime.Links;

/// <summary>The URLs under which a link is published.</summary>
internal static class LinkUrls
{
    /// <summary>Scheme and authority, without a slash at the end.</summary>
    public static string BaseOf(HttpContext context) => PublicBase.Of(context).Url;

    /// <summary>The short URL of a code.</summary>
    public static string ShortUrl(string baseUrl, string shortCode) => $"{baseUrl}/{shortCode}";

    /// <summary>The URL of a code's QR code.</summary>
    public static string QrCodeUrl(string baseUrl, string shortCode) => $"{baseUrl}/api/v1/urls/{shortCode}/qr";
}
