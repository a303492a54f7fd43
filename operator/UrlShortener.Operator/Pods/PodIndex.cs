using k8s.Models;
using UrlShortener.Operator.Apply;

namespace UrlShortener.Operator.Pods;

/// <summary>Index of pods and Jobs by namespace and instance label.</summary>
internal static class PodIndex
{
    /// <summary>Name of the index.</summary>
    public const string ByInstance = "instance";

    /// <summary>The values of an object.</summary>
    public static IEnumerable<string> InstanceOf(IMetadata<V1ObjectMeta> entity) =>
        Labels.InstanceOf(entity.Metadata) is { } instance ? [InstanceKey(entity.Metadata.NamespaceProperty, instance)] : [];

    /// <summary>The key of an instance.</summary>
    public static string InstanceKey(string space, string instance) => $"{space}/{instance}";
}
