using System.Net;
using System.Net.Sockets;

namespace UrlShortener.Operator.Validation;

/// <summary>Targets of DNS records: IP addresses and host names. Pure.</summary>
internal static class TargetText
{
    private const int MaxLabel = 63;

    /// <summary>The address in its usual form; null: the text is none. IPv4 has four decimal parts, without the short forms that C libraries also read.</summary>
    public static string? FindAddress(string text) =>
        !IPAddress.TryParse(text, out var address) || text.Contains('%', StringComparison.Ordinal) ? null
        : address.IsIPv4MappedToIPv6 ? address.MapToIPv4().ToString()
        : address.AddressFamily == AddressFamily.InterNetwork && address.ToString() != text ? null
        : address.ToString();

    /// <summary>Whether a text is a name that a public DNS record can have: two labels or more, each of at most 63 characters, and no address.</summary>
    public static bool IsName(string text) =>
        FindAddress(text) is null
        && text.Split('.') is { Length: > 1 } labels
        && labels.All(label => label.Length is > 0 and <= MaxLabel && !label.Contains(':', StringComparison.Ordinal))
        && !labels[^1].All(char.IsAsciiDigit);
}
