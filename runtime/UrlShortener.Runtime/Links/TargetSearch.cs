using System.Globalization;
using System.Text;

namespace UrlShortener.Runtime.Links;

/// <summary>
/// Targets are stored as they were given, while a host has several spellings: in upper and lower case, in its own script and in punycode. A search for one
/// spelling finds the others by looking for all of them.
/// </summary>
internal static class TargetSearch
{
    private const string Punycode = "xn--";
    private static readonly IdnMapping Idn = new() { AllowUnassigned = true };

    /// <summary>
    /// The texts to look for, of which a target must contain one when ASCII letters of either case are taken as equal; the given one first. Labels of a host
    /// are respelled as a whole: a part of one has no punycode.
    /// </summary>
    /// <param name="text">What was searched for: a part of a URL.</param>
    public static IReadOnlyList<string> SpellingsOf(string text)
    {
        var start = text.IndexOf("://", StringComparison.Ordinal) is var scheme and >= 0 ? scheme + 3 : 0;
        var length = text.AsSpan(start).IndexOfAny("/?#:");
        var host = length < 0 ? text[start..] : text.Substring(start, length);
        if (Ascii.IsValid(host) && !host.Contains(Punycode, StringComparison.OrdinalIgnoreCase))
            return [text];

        var unicode = Respell(host, ToUnicode);
        string[] hosts = [host, Respell(host, ToAscii), unicode, unicode.ToLowerInvariant(), unicode.ToUpperInvariant()];
        return [.. hosts.Select(spelling => string.Concat(text.AsSpan(0, start), spelling, text.AsSpan(start + host.Length))).Distinct(StringComparer.Ordinal)];
    }

    private static string Respell(string host, Func<string, string> respell) => string.Join('.', host.Split('.').Select(respell));

    private static string ToAscii(string label) => Map(label, static label => Idn.GetAscii(label));

    private static string ToUnicode(string label) => Map(label.ToLowerInvariant(), static label => Idn.GetUnicode(label));

    private static string Map(string label, Func<string, string> map)
    {
        try
        {
            return label.Length == 0 ? label : map(label);
        }
        // Not a label of a host; it is searched for as written.
        catch (ArgumentException)
        {
            return label;
        }
    }
}
