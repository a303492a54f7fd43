using System.Diagnostics.CodeAnalysis;

namespace UrlShortener.Runtime.Users;

/// <summary>
/// The name of a user: printable ASCII without spaces, with one '@'. Case is ignored for ASCII letters only. With Unicode's case rules two different texts
/// could be the same name: the Kelvin sign (U+212A) becomes 'k' in lower case.
/// </summary>
internal static class EmailAddress
{
    /// <summary>Longest address, in characters; also the width of the column.</summary>
    public const int MaxLength = 255;

    /// <summary>Converts an address into the form in which it is stored and compared. Does not trim or repair it.</summary>
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

    /// <summary>Converts ASCII letters to lower case and leaves everything else unchanged.</summary>
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
