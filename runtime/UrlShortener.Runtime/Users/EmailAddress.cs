using System.Diagnostics.CodeAnalysis;

namespace UrlShortener.Runtime.Users;

/// <summary>
/// The name of a user: printable ASCII without blanks, with one '@'. Only ASCII letters compare without regard to case. Unicode's case rules would make two
/// different texts one name: the Kelvin sign (U+212A) is a 'k' in lower case.
/// </summary>
internal static class EmailAddress
{
    /// <summary>Longest address, in characters; also the width of the column.</summary>
    public const int MaxLength = 255;

    /// <summary>Reads an address into the form in which addresses are stored and compared. Nothing is trimmed or repaired.</summary>
    public static bool TryRead(string? text, [NotNullWhen(true)] out string? email)
    {
        email = null;
        if (text is null || text.Length > MaxLength || text.AsSpan().ContainsAnyExceptInRange('!', '~'))
            return false;
        var at = text.IndexOf('@', StringComparison.Ordinal);
        if (at <= 0 || at != text.LastIndexOf('@') || at == text.Length - 1)
            return false;
        email = ToLower(text);
        return true;
    }

    /// <summary>Lower case of ASCII letters; everything else stays as it is.</summary>
    public static string ToLower(string text) =>
        string.Create(
            text.Length,
            text,
            static (lower, text) =>
            {
                for (var i = 0; i < lower.Length; i++)
                    lower[i] = char.IsAsciiLetterUpper(text[i]) ? (char)(text[i] | 0x20) : text[i];
            }
        );
}
