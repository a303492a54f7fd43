using k8s.Models;
using UrlShortener.Operator.Apply;

namespace UrlShortener.Operator.Pods;

/// <summary>Takes out of objects what nobody here reads, before they are remembered.</summary>
internal static class CacheTransforms
{
    /// <summary>Leaves of a pod who it is, where it is and how it is.</summary>
    public static void Apply(V1Pod pod)
    {
        pod.Spec = new V1PodSpec { NodeName = pod.Spec?.NodeName, Containers = [] };
        pod.Metadata.Annotations = null;
    }

    /// <summary>Leaves of a ConfigMap that is not the operator's which keys there are.</summary>
    public static void Apply(V1ConfigMap map)
    {
        map.BinaryData = null;
        if (Labels.IsManaged(map.Metadata))
            return;
        foreach (var key in map.Data?.Keys.ToList() ?? [])
            map.Data![key] = "";
    }
}
