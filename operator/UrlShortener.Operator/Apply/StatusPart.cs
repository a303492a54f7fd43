using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Apply;

/// <summary>
/// The part of a region's status that belongs to one controller: one field and some conditions. Server-side apply leaves the rest to the other controllers of
/// the kind, so that they do not conflict.
/// </summary>
/// <param name="Field">Name of the field in the status.</param>
/// <param name="Types">All types of conditions that the controller may write.</param>
/// <param name="Manager">The field manager; one for each controller.</param>
internal sealed record StatusPart(string Field, IReadOnlyList<string> Types, string Manager)
{
    /// <summary>The part as it is to be written.</summary>
    /// <param name="region">The region that was read.</param>
    /// <param name="value">Value of the field; null: none.</param>
    /// <param name="conditions">The conditions; those of other types in <see cref="Types"/> are removed.</param>
    /// <returns>Null: the region has it already.</returns>
    public JsonObject? FindChange(V1Alpha1ShortenerRegion region, object? value, IReadOnlyList<V1Condition> conditions)
    {
        var wanted = new JsonObject { ["conditions"] = ToJson(conditions) };
        if (value is not null)
            wanted[Field] = ToJson(value);
        return JsonNode.DeepEquals(wanted, PartOf(region)) ? null : wanted;
    }

    // What the server has of the part, in the same form.
    private JsonObject PartOf(V1Alpha1ShortenerRegion region)
    {
        var status = ToJson(region.Status)?.AsObject() ?? [];
        var part = new JsonObject { ["conditions"] = ToJson((region.Status?.Conditions ?? []).Where(condition => Types.Contains(condition.Type)).ToList()) };
        if (status[Field]?.DeepClone() is { } value)
            part[Field] = value;
        return part;
    }

    private static JsonNode? ToJson(object? value) => value is null ? null : JsonNode.Parse(KubernetesJson.Serialize(value));
}
