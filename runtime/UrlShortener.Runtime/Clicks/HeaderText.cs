namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// How much of a header's text a click holds while it waits. Longer texts, which browsers do not send, are cut at capture with one allocation; others need
/// none.
/// </summary>
internal static class HeaderText
{
    /// <summary>Characters held of a <c>User-Agent</c> or <c>Referer</c>: twice what is stored, since names of bots come late and URLs are escaped.</summary>
    public const int Long = 1_024;

    /// <summary>Characters held of a client hint; the longest meaningful value has 13.</summary>
    public const int Hint = 32;

    /// <summary>The start of a text, whole characters only: half a surrogate pair is not text, and a store may refuse the whole batch for it.</summary>
    public static string? Cut(string? text, int length) =>
        text is null || text.Length <= length ? text : text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];

    /// <summary>A country as two characters; null for what cannot be one.</summary>
    public static string? Country(string? text) => text is { Length: 2 } ? text : null;
}
