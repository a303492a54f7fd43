using k8s;
using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>What kubelets and proxies follow: in one namespace, or in all.</summary>
internal static class Watches
{
    /// <summary>Pods, those with certain labels or all.</summary>
    public static ObjectWatch<V1Pod> Pods(IKubernetes client, string? space, string? labels = null) =>
        new(
            async token =>
            {
                var list = space is null
                    ? await client.CoreV1.ListPodForAllNamespacesAsync(labelSelector: labels, cancellationToken: token)
                    : await client.CoreV1.ListNamespacedPodAsync(space, labelSelector: labels, cancellationToken: token);
                return (list.Items, list.Metadata.ResourceVersion);
            },
            (version, seconds, token) =>
                space is null
                    ? client.CoreV1.WatchListPodForAllNamespacesAsync(
                        labelSelector: labels,
                        resourceVersion: version,
                        timeoutSeconds: seconds,
                        onError: Ignore,
                        cancellationToken: token
                    )
                    : client.CoreV1.WatchListNamespacedPodAsync(
                        space,
                        labelSelector: labels,
                        resourceVersion: version,
                        timeoutSeconds: seconds,
                        onError: Ignore,
                        cancellationToken: token
                    )
        );

    /// <summary>Services.</summary>
    public static ObjectWatch<V1Service> Services(IKubernetes client, string? space) =>
        new(
            async token =>
            {
                var list = space is null
                    ? await client.CoreV1.ListServiceForAllNamespacesAsync(cancellationToken: token)
                    : await client.CoreV1.ListNamespacedServiceAsync(space, cancellationToken: token);
                return (list.Items, list.Metadata.ResourceVersion);
            },
            (version, seconds, token) =>
                space is null
                    ? client.CoreV1.WatchListServiceForAllNamespacesAsync(
                        resourceVersion: version,
                        timeoutSeconds: seconds,
                        onError: Ignore,
                        cancellationToken: token
                    )
                    : client.CoreV1.WatchListNamespacedServiceAsync(
                        space,
                        resourceVersion: version,
                        timeoutSeconds: seconds,
                        onError: Ignore,
                        cancellationToken: token
                    )
        );

    /// <summary>ConfigMaps.</summary>
    public static ObjectWatch<V1ConfigMap> ConfigMaps(IKubernetes client, string? space) =>
        new(
            async token =>
            {
                var list = space is null
                    ? await client.CoreV1.ListConfigMapForAllNamespacesAsync(cancellationToken: token)
                    : await client.CoreV1.ListNamespacedConfigMapAsync(space, cancellationToken: token);
                return (list.Items, list.Metadata.ResourceVersion);
            },
            (version, seconds, token) =>
                space is null
                    ? client.CoreV1.WatchListConfigMapForAllNamespacesAsync(
                        resourceVersion: version,
                        timeoutSeconds: seconds,
                        onError: Ignore,
                        cancellationToken: token
                    )
                    : client.CoreV1.WatchListNamespacedConfigMapAsync(
                        space,
                        resourceVersion: version,
                        timeoutSeconds: seconds,
                        onError: Ignore,
                        cancellationToken: token
                    )
        );

    /// <summary>Secrets.</summary>
    public static ObjectWatch<V1Secret> Secrets(IKubernetes client, string? space) =>
        new(
            async token =>
            {
                var list = space is null
                    ? await client.CoreV1.ListSecretForAllNamespacesAsync(cancellationToken: token)
                    : await client.CoreV1.ListNamespacedSecretAsync(space, cancellationToken: token);
                return (list.Items, list.Metadata.ResourceVersion);
            },
            (version, seconds, token) =>
                space is null
                    ? client.CoreV1.WatchListSecretForAllNamespacesAsync(
                        resourceVersion: version,
                        timeoutSeconds: seconds,
                        onError: Ignore,
                        cancellationToken: token
                    )
                    : client.CoreV1.WatchListNamespacedSecretAsync(
                        space,
                        resourceVersion: version,
                        timeoutSeconds: seconds,
                        onError: Ignore,
                        cancellationToken: token
                    )
        );

    /// <summary>Claims.</summary>
    public static ObjectWatch<V1PersistentVolumeClaim> Claims(IKubernetes client, string? space) =>
        new(
            async token =>
            {
                var list = space is null
                    ? await client.CoreV1.ListPersistentVolumeClaimForAllNamespacesAsync(cancellationToken: token)
                    : await client.CoreV1.ListNamespacedPersistentVolumeClaimAsync(space, cancellationToken: token);
                return (list.Items, list.Metadata.ResourceVersion);
            },
            (version, seconds, token) =>
                space is null
                    ? client.CoreV1.WatchListPersistentVolumeClaimForAllNamespacesAsync(
                        resourceVersion: version,
                        timeoutSeconds: seconds,
                        onError: Ignore,
                        cancellationToken: token
                    )
                    : client.CoreV1.WatchListNamespacedPersistentVolumeClaimAsync(
                        space,
                        resourceVersion: version,
                        timeoutSeconds: seconds,
                        onError: Ignore,
                        cancellationToken: token
                    )
        );

    // A watch that fails ends, and begins again.
    private static void Ignore(Exception error) { }
}
