namespace UrlShortener.Operator.Conditions;

/// <summary>Texts for people.</summary>
internal static class Texts
{
    /// <summary>
    /// A text of at most a length; a longer one ends in an ellipsis. Never ends within a character of two UTF-16 units: the API server would store another
    /// character, so that every status differed from the stored one, and was written again.
    /// </summary>
    public static string Cut(string text, int length)
    {
        if (text.Length <= length)
            return text;
        var end = length - 1;
        return text[..(char.IsHighSurrogate(text[end - 1]) ? end - 1 : end)] + "…";
    }

    /// <summary>A part of a sentence as its beginning.</summary>
    public static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
