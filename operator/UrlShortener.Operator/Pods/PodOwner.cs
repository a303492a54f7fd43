using k8s.Models;

namespace UrlShortener.Operator.Pods;

/// <summary>
/// Whether a pod belongs to a controller of the operator's objects. Everyone in the namespace can give a pod the labels of a region's pods; the operator must
/// neither send tokens to such a pod nor believe its answers. A pod with a made-up owner is deleted by Kubernetes' garbage collector. Pure.
/// </summary>
internal static class PodOwner
{
    private const string TemplateHash = "pod-template-hash";

    /// <summary>Whether a ReplicaSet of a Deployment controls a pod.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="deployment">Name of the Deployment.</param>
    public static bool IsOfDeployment(V1Pod pod, string deployment) =>
        ControllerOf(pod) is { Kind: V1ReplicaSet.KubeKind } owner
        && pod.Metadata.Labels is { } labels
        && labels.TryGetValue(TemplateHash, out var hash)
        && owner.Name == $"{deployment}-{hash}";

    /// <summary>Whether a StatefulSet controls a pod.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="statefulSet">Name of the StatefulSet.</param>
    public static bool IsOfStatefulSet(V1Pod pod, string statefulSet) =>
        ControllerOf(pod) is { Kind: V1StatefulSet.KubeKind } owner
        && owner.Name == statefulSet
        && pod.Metadata.Name.StartsWith($"{statefulSet}-", StringComparison.Ordinal);

    /// <summary>Whether nothing controls a pod: a StatefulSet whose selector it matches takes it over, if it has the name of one of its pods.</summary>
    public static bool IsOrphan(V1Pod pod) => ControllerOf(pod) is null;

    /// <summary>The Job that controls a pod; null: none does.</summary>
    public static string? JobOf(V1Pod pod) => ControllerOf(pod) is { Kind: V1Job.KubeKind } owner ? owner.Name : null;

    private static V1OwnerReference? ControllerOf(V1Pod pod) => pod.Metadata.OwnerReferences?.FirstOrDefault(reference => reference.Controller == true);
}
