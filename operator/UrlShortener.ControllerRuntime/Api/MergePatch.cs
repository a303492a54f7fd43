using System.Text.Json.Nodes;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>JSON merge patches (RFC 7396).</summary>
internal static class MergePatch
{
    /// <summary>The patch that turns one object into another; null if they are equal. A changed list is replaced as a whole.</summary>
    public static JsonObject? Between(JsonObject from, JsonObject to)
    {
        var patch = new JsonObject();
        foreach (var (name, _) in from)
        {
            if (!to.ContainsKey(name))
                patch[name] = null;
        }

        foreach (var (name, value) in to)
        {
            if (!from.TryGetPropertyValue(name, out var former))
                patch[name] = value?.DeepClone();
            else if (former is JsonObject formerObject && value is JsonObject valueObject)
            {
                if (Between(formerObject, valueObject) is { } inner)
                    patch[name] = inner;
            }
            else if (!JsonNode.DeepEquals(former, value))
                patch[name] = value?.DeepClone();
        }

        return patch.Count == 0 ? null : patch;
    }
}
