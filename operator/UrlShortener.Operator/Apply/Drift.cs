using System.Text.Json.Nodes;
using k8s.Models;

namespace UrlShortener.Operator.Apply;

/// <summary>
/// Whether an object has all desired fields. Additions by the server or others do not count, such as defaults, sidecars and labels.
/// </summary>
internal static class Drift
{
    // Fields that identify the elements of a list, in order of preference.
    private static readonly string[] Keys = ["mountPath", "uid", "topologyKey", "name", "containerPort", "port"];

    /// <summary>Path of the first field that differs; null: none.</summary>
    /// <param name="desired">The desired fields.</param>
    /// <param name="live">The current object.</param>
    public static string? Find(JsonObject desired, JsonObject live) => FindIn(desired, live, "");

    private static string? FindIn(JsonNode? desired, JsonNode? live, string path) =>
        (desired, live) switch
        {
            (null, _) => null,
            (JsonObject wanted, JsonObject there) => wanted
                .Select(field => FindIn(field.Value, there[field.Key], Join(path, field.Key)))
                .FirstOrDefault(found => found is not null),
            (JsonArray wanted, JsonArray there) => FindInList(wanted, there, path),
            // The server omits empty fields.
            (JsonObject { Count: 0 } or JsonArray { Count: 0 }, null) => null,
            _ => JsonNode.DeepEquals(desired, live) || AreEqualAmounts(desired, live) ? null : path,
        };

    private static string? FindInList(JsonArray desired, JsonArray live, string path)
    {
        if (FindKey(desired) is not { } key)
            return desired.Count != live.Count
                ? path
                : desired.Zip(live).Select(pair => FindIn(pair.First, pair.Second, path)).FirstOrDefault(found => found is not null);
        foreach (var element in desired)
        {
            var match = live.FirstOrDefault(other => other is JsonObject candidate && JsonNode.DeepEquals(candidate[key], element![key]));
            if (FindIn(element, match, $"{path}[{element![key]}]") is { } found)
                return found;
        }

        return null;
    }

    private static string? FindKey(JsonArray elements) =>
        Keys.FirstOrDefault(key =>
            elements.All(element => element is JsonObject candidate && candidate.ContainsKey(key))
            && elements.Select(element => element![key]!.ToJsonString()).Distinct().Count() == elements.Count
        );

    // The server normalizes quantities: 1000m becomes 1.
    private static bool AreEqualAmounts(JsonNode desired, JsonNode? live) =>
        desired is JsonValue one
        && live is JsonValue other
        && one.TryGetValue<string>(out var wanted)
        && other.TryGetValue<string>(out var there)
        && TryParse(wanted) is { } amount
        && amount.Equals(TryParse(there));

    private static ResourceQuantity? TryParse(string text)
    {
        if (text.Length is 0 or > 20 || !char.IsAsciiDigit(text[0]))
            return null;
        try
        {
            return new ResourceQuantity(text);
        }
        catch (Exception error) when (error is FormatException or OverflowException or ArgumentException)
        {
            return null;
        }
    }

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}
