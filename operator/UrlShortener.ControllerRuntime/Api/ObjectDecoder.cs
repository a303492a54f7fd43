using System.Text.Json;
using k8s;
using k8s.Models;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>Decodes objects in the form that informers cache.</summary>
internal static class ObjectDecoder
{
    /// <summary>Decodes an object and sets its kind, which objects in a list lack.</summary>
    /// <exception cref="UndecodableException">The object does not fit the type.</exception>
    public static T Read<T>(JsonElement json)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        try
        {
            var entity = KubernetesJson.Deserialize<T>(json);
            if (entity?.Metadata?.Name is null)
                throw new FormatException("The object has no name.");
            var type = ResourceType.Of<T>();
            entity.ApiVersion = type.ApiVersion;
            entity.Kind = type.Kind;
            entity.Metadata.ManagedFields = null;
            return entity;
        }
        catch (Exception e) when (e is JsonException or FormatException or NotSupportedException or InvalidOperationException or ArgumentException)
        {
            throw new UndecodableException($"{ReadKey(json)?.ToString() ?? "An object"} of type {typeof(T).Name} cannot be decoded: {e.Message}", e);
        }
    }

    /// <summary>The key of an object that does not fit its type; null: it has no name.</summary>
    public static ObjectKey? ReadKey(JsonElement json) =>
        ReadMetadata(json, "name") is { } name ? new ObjectKey(ReadMetadata(json, "namespace") ?? "", name) : null;

    /// <summary>The resource version of an object or a bookmark.</summary>
    public static string? ReadVersion(JsonElement json) => ReadMetadata(json, "resourceVersion");

    private static string? ReadMetadata(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object
        && json.TryGetProperty("metadata", out var metadata)
        && metadata.ValueKind == JsonValueKind.Object
        && metadata.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
