using k8s.Models;
using UrlShortener.Operator.Apply;

namespace UrlShortener.Operator.Pods;

/// <summary>Removes unused data from objects before they are cached.</summary>
internal static class CacheTransforms
{
    /// <summary>Keeps the identity, address, ports, claims, names of Secrets that it can do without, state and the product's own annotations of a pod.</summary>
    public static void Apply(V1Pod pod)
    {
        pod.Spec = new V1PodSpec
        {
            NodeName = pod.Spec?.NodeName,
            Containers = [.. (pod.Spec?.Containers ?? []).Select(container => new V1Container { Name = container.Name, Ports = container.Ports })],
            Volumes = pod.Spec?.Volumes?.Where(volume => volume.PersistentVolumeClaim is not null || volume.Secret?.Optional == true).ToList(),
        };
        pod.Metadata.Annotations = pod
            .Metadata.Annotations?.Where(annotation => annotation.Key.StartsWith(Labels.OwnPrefix, StringComparison.Ordinal))
            .ToDictionary();
    }

    /// <summary>Keeps only the keys of a ConfigMap that does not belong to the operator.</summary>
    public static void Apply(V1ConfigMap map)
    {
        map.BinaryData = null;
        if (Labels.IsManaged(map.Metadata))
            return;
        map.Metadata.Annotations = null;
        foreach (var key in map.Data?.Keys.ToList() ?? [])
            map.Data![key] = "";
    }
}
