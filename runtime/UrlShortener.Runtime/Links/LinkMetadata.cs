using System.Text;
using System.Text.Json;

namespace UrlShortener.Runtime.Links;

/// <summary>
/// The JSON object that a client keeps with a link. It is text: members keep their order, numbers and strings their spelling. Only white space between
/// tokens is dropped.
/// </summary>
internal static class LinkMetadata
{
    /// <summary>Metadata of a link that has none.</summary>
    public const string None = "{}";

    private const int MaxDepth = 8;

    /// <summary>The text to store, or what is wrong with the value.</summary>
    /// <param name="value">As sent.</param>
    /// <param name="maxBytes">Largest text, in bytes of UTF-8.</param>
    public static (string? Text, string? Problem) Check(JsonElement value, int maxBytes)
    {
        if (value.ValueKind != JsonValueKind.Object)
            return (null, "metadata must be a JSON object, such as {\"campaign\": \"spring\"}.");
        if (FindProblem(value, 1) is { } problem)
            return (null, problem);
        var text = Compact(value.GetRawText());
        var bytes = Encoding.UTF8.GetByteCount(text);
        return bytes <= maxBytes ? (text, null) : (null, $"metadata has {bytes} bytes of JSON; at most {maxBytes} are stored.");
    }

    /// <summary>
    /// The text of a top-level member: a string without quotes and escapes, a number, true or false as it is spelled. Null: there is no such member, or
    /// it is null, an object or an array.
    /// </summary>
    public static string? ScalarOf(string metadata, string name)
    {
        using var document = JsonDocument.Parse(metadata);
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty(name, out var member))
            return null;
        return member.ValueKind switch
        {
            JsonValueKind.String => member.GetString(),
            JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => member.GetRawText(),
            _ => null,
        };
    }

    private static string? FindProblem(JsonElement value, int depth)
    {
        if (value.ValueKind == JsonValueKind.String)
            return FindProblem(() => value.GetString()!);
        if (value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array))
            return null;
        if (depth > MaxDepth)
            return $"metadata may be nested at most {MaxDepth} levels deep. Nest it less deeply.";
        return value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray().Select(item => FindProblem(item, depth + 1)).FirstOrDefault(problem => problem is not null)
            : value
                .EnumerateObject()
                .Select(member => FindProblem(() => member.Name) ?? FindProblem(member.Value, depth + 1))
                .FirstOrDefault(problem => problem is not null);
    }

    private static string? FindProblem(Func<string> read)
    {
        try
        {
            // PostgreSQL's text cannot hold the character, so a list could not be filtered by it.
            return read().Contains('\0', StringComparison.Ordinal) ? "metadata may not hold the character U+0000." : null;
        }
        // Half a surrogate pair, or bytes that are not UTF-8.
        catch (InvalidOperationException)
        {
            return "metadata holds text that is not valid Unicode.";
        }
    }

    private static string Compact(string json)
    {
        var text = new StringBuilder(json.Length);
        var isString = false;
        for (var i = 0; i < json.Length; i++)
        {
            var character = json[i];
            if (!isString && character is (' ' or '\t' or '\r' or '\n'))
                continue;
            text.Append(character);
            if (character == '"')
                isString = !isString;
            // The next character is escaped.
            else if (character == '\\')
                text.Append(json[++i]);
        }

        return text.ToString();
    }
}
