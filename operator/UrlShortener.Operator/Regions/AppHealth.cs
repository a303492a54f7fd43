using System.Text.Json.Serialization;

namespace UrlShortener.Operator.Regions;

/// <summary>The answer of the runtime's <c>/health</c>.</summary>
/// <param name="Status"><c>healthy</c>, <c>degraded</c> or <c>unhealthy</c>.</param>
/// <param name="Components">The same by component.</param>
internal sealed record AppHealth(
    [property: JsonPropertyName("status")] string Status,
    [property: JsonPropertyName("components")] IReadOnlyDictionary<string, string> Components);
