using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace UrlShortener.Runtime.Links;

/// <summary>The text form of a place in a list. It contains the order of the list, since it would skip and repeat links in another order.</summary>
internal static class ListCursor
{
    /// <summary>The text for a place.</summary>
    public static string Write(LinkCursor cursor, LinkOrder order) =>
        Base64Url.EncodeToString(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{PrefixOf(order)}{cursor.Value}.{cursor.Id}")));

    /// <summary>The place that a text stands for; null if it is not valid in this order.</summary>
    public static LinkCursor? Read(string text, LinkOrder order)
    {
        Span<byte> bytes = stackalloc byte[64];
        if (!Base64Url.IsValid(text) || !Base64Url.TryDecodeFromChars(text, bytes, out var length))
            return null;
        var decoded = Encoding.ASCII.GetString(bytes[..length]);
        var prefix = PrefixOf(order);
        return
            decoded.StartsWith(prefix, StringComparison.Ordinal)
            && decoded[prefix.Length..].Split('.') is [var value, var id]
            && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            && long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new LinkCursor(milliseconds, number)
            : null;
    }

    // Empty for newest first, as earlier versions write and read it.
    private static string PrefixOf(LinkOrder order) =>
        order switch
        {
            { By: LinkSort.CreatedAt, IsAscending: false } => "",
            { By: LinkSort.CreatedAt } => "created.asc.",
            { IsAscending: false } => "expires.desc.",
            _ => "expires.asc.",
        };
}
