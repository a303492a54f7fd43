using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace UrlShortener.Operator.Pods;

/// <summary>Finds the sentence in which a container said why it ended. Pure. The text is limited, and has no control characters and no secrets.</summary>
internal static partial class LastWords
{
    /// <summary>Maximum length of the sentence.</summary>
    public const int MaxLength = 400;

    private const string Redacted = "[redacted]";

    // The kubelet keeps 2,048 bytes of a log and 4,096 of a message file.
    private const int MaxInput = 8_192;

    /// <summary>The last meaningful sentence; null: there is none.</summary>
    /// <param name="message">The termination message of a container: the end of its log.</param>
    public static string? Find(string? message)
    {
        if (string.IsNullOrWhiteSpace(message))
            return null;
        var blocks = BlocksOf(message.Length <= MaxInput ? message : message[^MaxInput..]);
        var best = blocks.LastOrDefault(block => block.Weight == 2) ?? blocks.LastOrDefault(block => block.Weight == 1) ?? blocks.LastOrDefault();
        return best is null ? null : Clean(best.Text);
    }

    /// <summary>Removes secrets and control characters from the text of another program, and limits its length.</summary>
    public static string Clean(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            // Format characters can change the direction of the text that follows.
            var category = Rune.GetUnicodeCategory(rune);
            if (category is UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                plain.Append(' ');
            else if (category is not (UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned))
                plain.Append(rune.ToString());
        }

        var line = Blanks().Replace(plain.ToString(), " ").Trim();
        line = ConnectionString().Replace(line, "[connection string]");
        line = UserInfo().Replace(line, $"$1{Redacted}@");
        line = Assignment().Replace(line, $"$1={Redacted}");
        line = Bearer().Replace(line, $"$1 {Redacted}");
        line = OwnKey().Replace(line, Redacted);
        return line.Length <= MaxLength ? line : line[..(MaxLength - 1)] + "…";
    }

    // A line and the indented lines after it, up to the stack trace.
    private static List<Block> BlocksOf(string message)
    {
        var blocks = new List<Block>();
        StringBuilder? current = null;
        foreach (var line in message.Split('\n').Select(line => line.TrimEnd('\r', ' ')).Where(line => line.Length > 0))
        {
            var isIndented = char.IsWhiteSpace(line[0]);
            if (StackTrace().IsMatch(line))
            {
                End();
                continue;
            }

            if (!isIndented)
                End();
            // Indented lines after a stack trace belong to it.
            if (isIndented && current is null && blocks.Count > 0)
                continue;
            current = (current ?? new StringBuilder()).Append(current is null ? "" : " ").Append(line.Trim());
        }

        End();
        return blocks;

        void End()
        {
            if (current is not null)
                blocks.Add(Block.Of(current.ToString()));
            current = null;
        }
    }

    private sealed record Block(string Text, int Weight)
    {
        public static Block Of(string text)
        {
            if (text[0] == '{' && ReadJson(text) is { } entry)
                return entry;
            var header = Header().Match(text);
            if (!header.Success)
                return new Block(text, 2);
            return new Block(text[header.Length..], WeightOf(header.Groups["level"].Value));
        }

        private static Block? ReadJson(string text)
        {
            try
            {
                using var document = JsonDocument.Parse(text);
                var (level, message, exception) = (Read(document, "LogLevel"), Read(document, "Message"), Read(document, "Exception"));
                if (message is null)
                    return null;
                var cause = exception?.Split('\n', 2)[0].Trim();
                return new Block(string.IsNullOrEmpty(cause) ? message : $"{message}: {cause}", WeightOf(level ?? ""));
            }
            catch (JsonException)
            {
                // The beginning is cut off, or it is not a log entry.
                return null;
            }
        }

        private static string? Read(JsonDocument document, string name) =>
            document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

        private static int WeightOf(string level) =>
            level switch
            {
                "fail" or "crit" or "Error" or "Critical" or "0" or "1" or "2" or "3" => 2,
                "warn" or "Warning" or "4" => 1,
                _ => 0,
            };
    }

    [GeneratedRegex(@"^\s*(at [\w<.]|--- End of|--->)")]
    private static partial Regex StackTrace();

    // For .NET's console formats simple and systemd.
    [GeneratedRegex(@"^(\d{4}-\d\d-\d\dT\S+ )?((?<level>trce|dbug|info|warn|fail|crit): |<(?<level>\d)>)[\w.+`]+\[\d+\]\s?")]
    private static partial Regex Header();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    // Host=a;Username=b;…
    [GeneratedRegex(@"\b(Host|Server|Data Source)\s*=[^;]{0,300};(\s*[A-Za-z][A-Za-z ]{0,30}=[^;""']{0,300};?)+", RegexOptions.IgnoreCase)]
    private static partial Regex ConnectionString();

    [GeneratedRegex(@"([a-z][a-z0-9+.-]{0,20}://)[^/\s@]+@", RegexOptions.IgnoreCase)]
    private static partial Regex UserInfo();

    [GeneratedRegex(
        @"\b([\w-]{0,40}(?:password|passwd|pwd|passphrase|secret|token|api[-_ ]?key|access[-_ ]?key))[""']?\s*[=:]\s*(""[^""]*""|'[^']*'|[^\s;,]+)",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Assignment();

    [GeneratedRegex(@"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", RegexOptions.IgnoreCase)]
    private static partial Regex Bearer();

    // Keys of the product's users.
    [GeneratedRegex(@"\busk_[0-9A-Za-z]+")]
    private static partial Regex OwnKey();
}
