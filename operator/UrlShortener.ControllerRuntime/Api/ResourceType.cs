using System.Reflection;
using k8s.Models;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>The API resource of a C# type.</summary>
/// <param name="Group">API group; empty for the core group.</param>
/// <param name="Version">Version in the group, such as <c>v1</c>.</param>
/// <param name="Kind">Kind, such as <c>ConfigMap</c>.</param>
/// <param name="Plural">Name in paths, such as <c>configmaps</c>.</param>
public sealed record ResourceType(string Group, string Version, string Kind, string Plural)
{
    /// <summary>Group and version, as in <c>apiVersion</c>.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>The resource of a type.</summary>
    /// <exception cref="InvalidOperationException">The type has no <see cref="KubernetesEntityAttribute"/>.</exception>
    public static ResourceType Of<T>() => Known<T>.Type;

    /// <summary>Path below the server's address. Without a namespace: of a cluster-wide object, or of the objects in all namespaces.</summary>
    public string Path(string? @namespace, string? name = null, string? subresource = null)
    {
        var root = Group.Length == 0 ? $"api/{Version}" : $"apis/{Group}/{Version}";
        var place = string.IsNullOrEmpty(@namespace) ? "" : $"/namespaces/{Uri.EscapeDataString(@namespace)}";
        var one = name is null ? "" : $"/{Uri.EscapeDataString(name)}";
        return $"{root}{place}/{Plural}{one}{(subresource is null ? "" : $"/{subresource}")}";
    }

    private static class Known<T>
    {
        public static readonly ResourceType Type = Read(
            typeof(T).GetCustomAttribute<KubernetesEntityAttribute>()
                ?? throw new InvalidOperationException($"{typeof(T)} needs the attribute KubernetesEntity with its group, version, kind and plural.")
        );

        private static ResourceType Read(KubernetesEntityAttribute entity) => new(entity.Group ?? "", entity.ApiVersion, entity.Kind, entity.PluralName);
    }
}
