using System.Text.Json;
using System.Text.Json.Nodes;

namespace UrlShortener.Operator.Apply;

/// <summary>Reads JSON of annotations and ConfigMaps, which anybody with their rights may edit.</summary>
internal static class StrictJson
{
    // A name that is there twice would be found by the first look into the object, and end that by an ArgumentException.
    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false };

    /// <summary>Reads a text.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="JsonException">It is not JSON, or has a name twice.</exception>
    public static JsonNode? Parse(string text) => JsonNode.Parse(text, null, Options);
}
