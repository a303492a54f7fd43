using System.Buffers;

namespace UrlShortener.Runtime.Codes;

/// <summary>The name of a link in its short URL: 4 to 10 characters of <c>A-Z a-z 0-9 _ -</c>, case-sensitive.</summary>
internal static class ShortCode
{
    /// <summary>Shortest code, in characters.</summary>
    public const int MinLength = 4;

    /// <summary>Longest code, in characters; also the width of the column.</summary>
    public const int MaxLength = 10;

    private static readonly SearchValues<char> Alphabet = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    // More than any text adds to a link. The rest of a long request line is not searched.
    private const int MaxGlue = 64;

    /// <summary>Whether a text has the form of a code. Does not check whether such a link exists.</summary>
    public static bool IsValid(ReadOnlySpan<char> text) => text.Length is >= MinLength and <= MaxLength && !text.ContainsAnyExcept(Alphabet);

    /// <summary>
    /// Finds the code at the start of a text that is not a code itself because text around the link was appended to it: punctuation, quotes, brackets, spaces
    /// and invisible characters, literal or percent-encoded. Null when there is no code, or when anything else follows it.
    /// </summary>
    public static string? FindBeforeGlue(ReadOnlySpan<char> text)
    {
        var end = text.IndexOfAnyExcept(Alphabet);
        return end is >= MinLength and <= MaxLength && IsGlue(text[end..]) ? text[..end].ToString() : null;
    }

    // The server does not decode a percent-encoded slash, or a byte that is not valid UTF-8, such as %BB of a Latin-1 quote.
    private static bool IsGlue(ReadOnlySpan<char> rest)
    {
        if (rest.Length > MaxGlue)
            return false;
        while (!rest.IsEmpty)
        {
            if (Alphabet.Contains(rest[0]))
                return false;
            rest = rest[(rest is ['%', var high, var low, ..] && char.IsAsciiHexDigit(high) && char.IsAsciiHexDigit(low) ? 3 : 1)..];
        }

        return true;
    }
}
