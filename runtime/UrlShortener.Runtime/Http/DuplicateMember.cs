using System.Buffers;
using System.Text;
using System.Text.Json;

namespace UrlShortener.Runtime.Http;

/// <summary>Finds a duplicate name in an object of a JSON text. The reader's own error names only the field that contains the object.</summary>
internal static class DuplicateMember
{
    // Limits the memory of a search that only improves an error message.
    private const int MaxMembers = 10_000;
    private const int MaxNameLength = 64;
    private const int MaxPathLength = 256;

    /// <summary>Path of the first duplicate, such as <c>urls[3].metadata.campaign</c>; null when the first members contain none.</summary>
    public static string? Find(ReadOnlySequence<byte> json)
    {
        try
        {
            return Find(new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = ApiJson.MaxDepth }));
        }
        // InvalidOperationException: a name is not valid Unicode.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string? Find(Utf8JsonReader reader)
    {
        var levels = new List<Level>();
        for (var members = 0; members < MaxMembers && reader.Read(); )
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    members++;
                    levels[^1].Name = reader.GetString()!;
                    if (!levels[^1].Names.Add(levels[^1].Name))
                        return PathOf(levels);
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    levels.RemoveAt(levels.Count - 1);
                    break;
                default:
                    if (levels.Count > 0)
                        levels[^1].Index++;
                    if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                        levels.Add(new Level(reader.TokenType == JsonTokenType.StartArray));
                    break;
            }
        }

        return null;
    }

    private static string PathOf(List<Level> levels)
    {
        var path = new StringBuilder();
        foreach (var level in levels)
        {
            if (level.IsArray)
                path.Append('[').Append(level.Index).Append(']');
            else
                path.Append(path.Length > 0 ? "." : "").Append(level.Name.Length > MaxNameLength ? level.Name[..MaxNameLength] : level.Name);
        }

        return path.Length > MaxPathLength ? path.ToString(0, MaxPathLength) : path.ToString();
    }

    // An object or array that contains the reader's position.
    private sealed class Level(bool isArray)
    {
        public bool IsArray => isArray;

        public HashSet<string> Names { get; } = new(StringComparer.Ordinal);

        public string Name { get; set; } = "";

        // Index of the current element of an array.
        public int Index { get; set; } = -1;
    }
}
