using System.Text.Json.Nodes;
using k8s.Models;

namespace UrlShortener.Operator.Apply;

/// <summary>
/// Whether an object has all that it should have. What the server or others added beside it does not count: neither defaults, nor a sidecar, nor a label.
/// </summary>
internal static class Drift
{
    // Fields that tell the elements of a list apart, in the order in which they are tried.
    private static readonly string[] Keys = ["mountPath", "uid", "topologyKey", "name", "containerPort", "port"];

    /// <summary>Path of the first field that is not as it should be; null when all are.</summary>
    /// <param name="desired">The fields that are wanted.</param>
    /// <param name="live">What there is.</param>
    public static string? Find(JsonObject desired, JsonObject live) => FindIn(desired, live, "");

    private static string? FindIn(JsonNode? desired, JsonNode? live, string path) => (desired, live) switch
    {
        (null, _) => null,
        (JsonObject wanted, JsonObject there) => wanted.Select(field => FindIn(field.Value, there[field.Key], Join(path, field.Key))).FirstOrDefault(found => found is not null),
        (JsonArray wanted, JsonArray there) => FindInList(wanted, there, path),
        // The server leaves out what is empty.
        (JsonObject { Count: 0 } or JsonArray { Count: 0 }, null) => null,
        _ => JsonNode.DeepEquals(desired, live) || AreEqualAmounts(desired, live) ? null : path,
    };

    private static string? FindInList(JsonArray desired, JsonArray live, string path)
    {
        if (FindKey(desired) is not { } key)
            return desired.Count != live.Count ? path : desired.Zip(live).Select(pair => FindIn(pair.First, pair.Second, path)).FirstOrDefault(found => found is not null);
        foreach (var element in desired)
        {
            var match = live.FirstOrDefault(other => other is JsonObject candidate && JsonNode.DeepEquals(candidate[key], element![key]));
            if (FindIn(element, match, $"{path}[{element![key]}]") is { } found)
                return found;
        }

        return null;
    }

    private static string? FindKey(JsonArray elements) => Keys.FirstOrDefault(key =>
        elements.All(element => element is JsonObject candidate && candidate.ContainsKey(key))
        && elements.Select(element => element![key]!.ToJsonString()).Distinct().Count() == elements.Count);

    // The server writes amounts in its own way: 1000m is 1 there.
    private static bool AreEqualAmounts(JsonNode desired, JsonNode? live) =>
        desired is JsonValue one && live is JsonValue other
        && one.TryGetValue<string>(out var wanted) && other.TryGetValue<string>(out var there)
        && TryParse(wanted) is { } amount && amount.Equals(TryParse(there));

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
