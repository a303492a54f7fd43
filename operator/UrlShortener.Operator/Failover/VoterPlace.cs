using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Failover;

/// <summary>Where a voter has its record: a ConfigMap in the namespace of its region, or of all regions.</summary>
/// <param name="Namespace">The namespace.</param>
/// <param name="Name">Name of the ConfigMap.</param>
/// <param name="Cluster">The cluster; null: the own one.</param>
internal sealed record VoterPlace(string Namespace, string Name, string? Cluster = null)
{
    /// <summary>The component in labels of the objects.</summary>
    public const string Component = "topology";

    /// <summary>Key of the ConfigMap with the <see cref="VoterRecord"/>.</summary>
    public const string VoterKey = "voter";

    /// <summary>Key of the ConfigMap with what the guards of the region need to know.</summary>
    public const string GuardKey = "guard";

    /// <summary>Identifier of the database that the vote is about, where the ConfigMap does not belong to a region; null: it does.</summary>
    public string? Owner { get; init; }

    /// <summary>The ConfigMap as a key.</summary>
    public ObjectKey Key => new(Namespace, Name);

    /// <summary>The place of a region's vote.</summary>
    public static VoterPlace Of(V1Alpha1ShortenerRegion region) =>
        new(region.Metadata.NamespaceProperty, Names.Of(region.Metadata.Name, Component), region.IsRemote ? region.Spec.ClusterName() : null);

    /// <summary>What a ConfigMap has for the guards; null: nothing.</summary>
    public static string? GuardOf(V1ConfigMap? map) => map?.Data is { } data && data.TryGetValue(GuardKey, out var text) ? text : null;

    /// <summary>What the guards of a region read.</summary>
    /// <param name="region">Name of the region.</param>
    /// <param name="isLease">Whether the right to write ends by itself.</param>
    /// <param name="places">The places of all voters, by name.</param>
    public static string WriteGuard(string region, bool isLease, IReadOnlyDictionary<string, VoterPlace> places) =>
        new JsonObject
        {
            ["region"] = region,
            ["lease"] = isLease,
            ["voters"] = new JsonObject(
                places.OrderBy(place => place.Key, StringComparer.Ordinal).Select(place => KeyValuePair.Create(place.Key, (JsonNode?)Write(place.Value)))
            ),
        }.ToJsonString();

    private static JsonObject Write(VoterPlace place)
    {
        var text = new JsonObject { ["namespace"] = place.Namespace, ["configMap"] = place.Name };
        if (place.Cluster is { } cluster)
            text["cluster"] = cluster;
        return text;
    }

    /// <summary>The places that guards were told of: also those of regions that are gone.</summary>
    /// <param name="text">What <see cref="WriteGuard"/> wrote; null: nothing.</param>
    public static IReadOnlyDictionary<string, VoterPlace> ReadGuard(string? text)
    {
        var places = new Dictionary<string, VoterPlace>(StringComparer.Ordinal);
        try
        {
            foreach (var (name, place) in text is null ? [] : StrictJson.Parse(text)?["voters"] as JsonObject ?? [])
            {
                if (place?["namespace"]?.GetValue<string>() is { } space && place["configMap"]?.GetValue<string>() is { } map)
                    places[name] = new VoterPlace(space, map, place["cluster"]?.GetValue<string>());
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Somebody has changed the text; the next apply corrects it.
        }

        return places;
    }
}
