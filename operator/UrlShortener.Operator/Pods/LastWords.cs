using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using UrlShortener.Operator.Conditions;

namespace UrlShortener.Operator.Pods;

/// <summary>Finds the sentence in which a container said why it ended. Pure. The text is limited, and has no control characters and no secrets.</summary>
internal static partial class LastWords
{
    /// <summary>Maximum length of the sentence.</summary>
    public const int MaxLength = 400;

    private const string Redacted = "[redacted]";

    // The kubelet keeps 2,048 bytes of a log and 4,096 of a message file.
    private const int MaxInput = 8_192;

    // A text of about this length lost its beginning, and may start in the middle of a password. The kubelet replaces invalid bytes.
    private const int CutLength = 1_900;

    private static readonly SearchValues<char> Separators = SearchValues.Create(" \t,;&}");

    /// <summary>The last meaningful sentence; null: there is none.</summary>
    /// <param name="message">The termination message of a container: the end of its log.</param>
    public static string? Find(string? message)
    {
        if (string.IsNullOrWhiteSpace(message))
            return null;
        var blocks = BlocksOf(message.Length < CutLength ? message : WithoutFirst(message.Length <= MaxInput ? message : message[^MaxInput..]));
        var best = blocks.LastOrDefault(block => block.Weight == 2) ?? blocks.LastOrDefault(block => block.Weight == 1) ?? blocks.LastOrDefault();
        return best is null ? null : Clean(best.Text);
    }

    /// <summary>Removes secrets and control characters from the text of another program, and limits its length.</summary>
    public static string Clean(string text)
    {
        // Colors between a name and its value would hide a secret.
        text = TerminalSequence().Replace(text.Length <= MaxInput ? text : text[..MaxInput], "");
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
        line = Scheme().Replace(line, $"$1 {Redacted}");
        line = Assignment().Replace(line, $"$1={Redacted}");
        line = Argument().Replace(line, $"$1 {Redacted}");
        line = Signature().Replace(line, $"$1={Redacted}");
        line = OwnKey().Replace(line, Redacted);
        line = WebToken().Replace(line, Redacted);
        line = PrivateKey().Replace(line, Redacted);
        return Texts.Cut(line, MaxLength);
    }

    // The rest after the first line, or after the first word if there is one line.
    private static string WithoutFirst(string message)
    {
        var end = message.IndexOf('\n', StringComparison.Ordinal);
        if (end >= 0 && !string.IsNullOrWhiteSpace(message[end..]))
            return message[(end + 1)..];
        var word = message.AsSpan().IndexOfAny(Separators);
        return word < 0 ? message : message[(word + 1)..];
    }

    // A line and the indented lines after it, up to the stack trace.
    private static List<Block> BlocksOf(string message)
    {
        var blocks = new List<Block>();
        StringBuilder? current = null;
        foreach (var line in message.Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0))
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

    // Such as a color.
    [GeneratedRegex(@"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?)")]
    private static partial Regex TerminalSequence();

    // Host=a;Username=b;…
    [GeneratedRegex(
        @"\b(Host|Server|Data Source|Port|Database|User ?name|User ?Id|Uid|Password|Pwd)\s*=\s*"
            + @"(""(?:[^""]|"""")*""|'(?:[^']|'')*'|[^;]{0,300});"
            + @"(\s*[A-Za-z][A-Za-z ]{0,30}=\s*(""(?:[^""]|"""")*(""|$)|'(?:[^']|'')*('|$)|[^;""'][^;]{0,300}|);?)+",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex ConnectionString();

    // A password may contain a slash or another at sign.
    [GeneratedRegex(@"([a-z][a-z0-9+.-]{0,20}://)[^\s""'<>]+@", RegexOptions.IgnoreCase)]
    private static partial Regex UserInfo();

    // The value may be a string in JSON, also inside of another string.
    [GeneratedRegex(
        @"\b([\w-]{0,40}(?:password|passwd|pwd|passphrase|secret|token|(?:api|access|account|private)[-_ ]?key|credentials?|authorization|cookie))"
            + @"\\*[""']?\s*(?:=>|[=:])\s*(\\+""[^""]*""|""(?:[^""\\]|\\.|"""")*(?:""|$)|'(?:[^']|'')*(?:'|$)|[^\s;,]+)",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Assignment();

    // --password x
    [GeneratedRegex(@"(--?[\w-]{0,40}(?:password|passwd|secret|token|key))\s+[^\s-][^\s]*", RegexOptions.IgnoreCase)]
    private static partial Regex Argument();

    // Of a URL that grants access.
    [GeneratedRegex(@"([?&][\w-]{0,40}(?:sig|signature|auth|code))=[^\s&""']+", RegexOptions.IgnoreCase)]
    private static partial Regex Signature();

    [GeneratedRegex(@"\b(bearer|basic|digest)\s+[A-Za-z0-9._~+/=-]{8,}", RegexOptions.IgnoreCase)]
    private static partial Regex Scheme();

    // A JSON web token.
    [GeneratedRegex(@"\beyJ[\w-]{8,}\.[\w-]{8,}(\.[\w-]*)?")]
    private static partial Regex WebToken();

    [GeneratedRegex(@"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(-----END [A-Z ]{0,40}-----|$)")]
    private static partial Regex PrivateKey();

    // Keys of the product's users.
    [GeneratedRegex(@"\busk_[0-9A-Za-z]+")]
    private static partial Regex OwnKey();
}
