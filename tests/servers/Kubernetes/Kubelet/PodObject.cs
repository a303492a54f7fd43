using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>What a node writes of pods.</summary>
internal static class PodObject
{
    /// <summary>Writes a pod's status, as often as it takes. Conditions of others stay as they are.</summary>
    /// <returns>False when the pod is gone.</returns>
    public static Task<bool> WriteStatusAsync(KubeletContext context, V1Pod pod, V1PodStatus status, CancellationToken cancellationToken)
    {
        // The identifier keeps it from another pod of the same name.
        var body = KubernetesJson.Serialize(
            new V1Pod
            {
                Metadata = new V1ObjectMeta { Uid = pod.Metadata.Uid },
                Status = status,
            }
        );
        var patch = new V1Patch(body, V1Patch.PatchType.StrategicMergePatch);
        return context.RequestAsync(
            async token =>
            {
                try
                {
                    await context.Client.CoreV1.PatchNamespacedPodStatusAsync(
                        patch,
                        pod.Metadata.Name,
                        pod.Metadata.NamespaceProperty,
                        cancellationToken: token
                    );
                    return true;
                }
                catch (HttpOperationException e) when (e.Response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict || IsOfAnother(e))
                {
                    return false;
                }
            },
            cancellationToken
        );
    }

    // Another pod with its name came between the server's look at the identifier and its write.
    private static bool IsOfAnother(HttpOperationException e) =>
        e.Response.StatusCode == HttpStatusCode.UnprocessableEntity && e.Response.Content.Contains("metadata.uid", StringComparison.Ordinal);

    /// <summary>Removes the object of a pod that was deleted and has ended.</summary>
    public static Task<bool> DeleteAsync(KubeletContext context, V1Pod pod, CancellationToken cancellationToken) =>
        context.RequestAsync(
            async token =>
            {
                try
                {
                    var options = new V1DeleteOptions
                    {
                        GracePeriodSeconds = 0,
                        Preconditions = new V1Preconditions { Uid = pod.Metadata.Uid },
                    };
                    await context.Client.CoreV1.DeleteNamespacedPodAsync(pod.Metadata.Name, pod.Metadata.NamespaceProperty, options, cancellationToken: token);
                }
                catch (HttpOperationException e) when (e.Response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
                {
                    // It is gone.
                }

                return true;
            },
            cancellationToken
        );
}
