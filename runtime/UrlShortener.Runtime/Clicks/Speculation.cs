using System.Buffers;

namespace UrlShortener.Runtime.Clicks;

/// <summary>Requests that declare that no person has asked for the page yet: prefetches, prerenderings and previews.</summary>
internal static class Speculation
{
    private static readonly SearchValues<string> Purposes = SearchValues.Create(["prefetch", "prerender", "preview"], StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// Whether a request's headers say so: <c>Sec-Purpose</c> (Fetch standard), <c>Purpose</c> (older Chromium, Safari), <c>X-Purpose</c> (Safari's previews)
    /// and <c>X-Moz</c> (older Firefox).
    /// </summary>
    public static bool IsTold(IHeaderDictionary headers) =>
        Says(headers["Sec-Purpose"]) || Says(headers["Purpose"]) || Says(headers["X-Purpose"]) || Says(headers["X-Moz"]);

    private static bool Says(Microsoft.Extensions.Primitives.StringValues values) => values.Count > 0 && values.ToString().AsSpan().ContainsAny(Purposes);
}
