using System.Buffers;

namespace UrlShortener.Tracing;

/// <summary>Headers for the collector in the form of <c>OTEL_EXPORTER_OTLP_HEADERS</c>.</summary>
internal static class TraceHeaders
{
    // RFC 9110, 5.6.2.
    private static readonly SearchValues<char> Token = SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    /// <summary>Whether a client can send the headers.</summary>
    public static bool AreValid(string? text) => string.IsNullOrEmpty(text) || Array.TrueForAll(text.Split(','), IsValid);

    private static bool IsValid(string pair)
    {
        var equals = pair.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? "" : pair[..equals].Trim();
        var value = Uri.UnescapeDataString(pair[(equals + 1)..]).Trim();
        return name.Length > 0
            && !name.AsSpan().ContainsAnyExcept(Token)
            && value.Length > 0
            && !value.Any(character => char.IsControl(character) || character > '~');
    }
}
