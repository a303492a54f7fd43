using k8s.Models;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>Identifies an object of a kind.</summary>
/// <param name="Namespace">Its namespace; empty for a cluster-wide object.</param>
/// <param name="Name">Its name.</param>
public readonly record struct ObjectKey(string Namespace, string Name)
{
    /// <summary>The key of an object.</summary>
    public static ObjectKey Of(IMetadata<V1ObjectMeta> entity) => new(entity.Metadata.NamespaceProperty ?? "", entity.Metadata.Name);

    /// <inheritdoc/>
    public override string ToString() => Namespace.Length == 0 ? Name : $"{Namespace}/{Name}";
}
