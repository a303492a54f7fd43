using System.Text.Json.Nodes;
using k8s;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Tests;

/// <summary>Specifications as a user writes them, and changes of them.</summary>
internal static class SpecJson
{
    /// <summary>The least that a kind takes.</summary>
    public static JsonObject Minimal(string kind) =>
        JsonNode
            .Parse(
                kind == V1Alpha1KeyPool.KubeKind
                    ? """{"regionRef": {"name": "eu"}}"""
                    : """{"region": "eu-west", "app": {"image": "registry.example/shortener:1.0"}, "traffic": {"hostnames": ["sho.rt"]}, "connections": {"postgresSecretRef": {"name": "postgres"}}}"""
            )!
            .AsObject();

    /// <summary>A specification with a merge patch (RFC 7396) applied.</summary>
    public static JsonNode? Merge(JsonNode? target, JsonNode? patch)
    {
        if (patch is not JsonObject changes)
            return patch?.DeepClone();
        var merged = target is JsonObject map ? map.DeepClone().AsObject() : [];
        foreach (var (name, value) in changes)
        {
            if (value is null)
                merged.Remove(name);
            else
                merged[name] = Merge(merged[name], value);
        }

        return merged;
    }

    /// <summary>The object around a specification.</summary>
    public static JsonObject Object(string kind, string namespaceName, string name, JsonNode spec) =>
        new()
        {
            ["apiVersion"] = ApiGroup.ApiVersion,
            ["kind"] = kind,
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = namespaceName },
            ["spec"] = spec.DeepClone(),
        };

    /// <summary>The specification as the operator reads it.</summary>
    public static T Read<T>(JsonNode spec) => KubernetesJson.Deserialize<T>(spec.ToJsonString());

    /// <summary>The least region, as the operator reads it.</summary>
    public static RegionSpec MinimalRegion() => Read<RegionSpec>(Minimal(V1Alpha1ShortenerRegion.KubeKind));

    /// <summary>Path of a kind in the API.</summary>
    public static string PluralOf(string kind) => kind == V1Alpha1KeyPool.KubeKind ? V1Alpha1KeyPool.KubePlural : V1Alpha1ShortenerRegion.KubePlural;
}
