using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// The patterns of crawler-user-agents, a maintained list (<c>Crawlers/refresh.sh</c> takes a newer one). They are regular expressions, nine in ten of them
/// plain text: those are found by one search for all, the others by one automaton without backtracking. Both take time linear in the user agent.
/// </summary>
internal static class CrawlerPatterns
{
    private static readonly SearchValues<string> Anywhere;
    private static readonly string[] AtStart;
    private static readonly Regex Others;

    static CrawlerPatterns()
    {
        var exceptions = Read("not-crawlers.txt").ToHashSet(StringComparer.Ordinal);
        var anywhere = new List<string>();
        var atStart = new List<string>();
        var others = new List<string>();
        foreach (var pattern in Read("patterns.txt").Where(pattern => !exceptions.Contains(pattern)))
        {
            if (ReadPlain(pattern) is { } text)
                anywhere.Add(text);
            else if (pattern[0] == '^' && ReadPlain(pattern[1..]) is { } start)
                atStart.Add(start);
            else
                others.Add($"(?:{pattern})");
        }

        Anywhere = SearchValues.Create([.. anywhere], StringComparison.Ordinal);
        AtStart = [.. atStart];
        Others = new Regex(string.Join('|', others), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    }

    /// <summary>Whether a pattern finds the user agent. Case counts, as it does in the list.</summary>
    public static bool Find(ReadOnlySpan<char> agent)
    {
        if (agent.ContainsAny(Anywhere))
            return true;
        foreach (var start in AtStart)
        {
            if (agent.StartsWith(start, StringComparison.Ordinal))
                return true;
        }

        return Others.IsMatch(agent);
    }

    // The literal text of a regular expression that is plain text; null for any other.
    private static string? ReadPlain(string pattern)
    {
        var text = new StringBuilder(pattern.Length);
        for (var i = 0; i < pattern.Length; i++)
        {
            var character = pattern[i];
            if (character == '\\')
            {
                // Before a letter or digit, the backslash begins a character class or a word boundary.
                if (++i == pattern.Length || char.IsAsciiLetterOrDigit(pattern[i]))
                    return null;
                text.Append(pattern[i]);
            }
            else if (".[](){}*+?|^$".Contains(character))
            {
                return null;
            }
            else
            {
                text.Append(character);
            }
        }

        return text.ToString();
    }

    private static IEnumerable<string> Read(string name)
    {
        using var stream = typeof(CrawlerPatterns).Assembly.GetManifestResourceStream($"Crawlers.{name}")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && line[0] != '#')
                yield return line;
        }
    }
}
