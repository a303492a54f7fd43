using System.Net;
using System.Text.Json;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>Follows the pods of a namespace, or of all, through losses of the API server.</summary>
internal sealed class PodWatch(IKubernetes client, string? namespaceName, string? labelSelector)
{
    private const int WatchSeconds = 120;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Runs until it is cancelled. <paramref name="onList"/> is told all pods, at first and whenever changes may have been missed; <paramref name="onChange"/>
    /// each change after that; nothing while <paramref name="whileConnectedAsync"/> does not return.
    /// </summary>
    public async Task RunAsync(
        Action<IList<V1Pod>> onList,
        Action<WatchEventType, V1Pod> onChange,
        Func<CancellationToken, Task> whileConnectedAsync,
        CancellationToken cancellationToken
    )
    {
        while (true)
        {
            try
            {
                await whileConnectedAsync(cancellationToken);
                var list = await ListAsync(cancellationToken);
                onList(list.Items);
                // A watch that ends in order, and one that the server lost, both begin with a new list.
                await foreach (var (type, pod) in Watch(list.Metadata.ResourceVersion, cancellationToken))
                {
                    await whileConnectedAsync(cancellationToken);
                    if (type is WatchEventType.Added or WatchEventType.Modified or WatchEventType.Deleted)
                        onChange(type, pod);
                }
            }
            catch (Exception e) when (IsTransient(e, cancellationToken))
            {
                // The API server is away; it is asked again until it is back.
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }

    /// <summary>Whether a request failed in a way that another attempt may mend.</summary>
    public static bool IsTransient(Exception error, CancellationToken cancellationToken) =>
        error switch
        {
            HttpOperationException answer => answer.Response.StatusCode
                is >= HttpStatusCode.InternalServerError
                    or HttpStatusCode.TooManyRequests
                    or HttpStatusCode.Conflict
                    or HttpStatusCode.Gone
                    or HttpStatusCode.Unauthorized,
            HttpRequestException or IOException or JsonException or KubernetesException or TimeoutException => true,
            OperationCanceledException => !cancellationToken.IsCancellationRequested,
            _ => false,
        };

    private Task<V1PodList> ListAsync(CancellationToken cancellationToken) =>
        namespaceName is null
            ? client.CoreV1.ListPodForAllNamespacesAsync(labelSelector: labelSelector, cancellationToken: cancellationToken)
            : client.CoreV1.ListNamespacedPodAsync(namespaceName, labelSelector: labelSelector, cancellationToken: cancellationToken);

    private IAsyncEnumerable<(WatchEventType, V1Pod)> Watch(string version, CancellationToken cancellationToken) =>
        namespaceName is null
            ? client.CoreV1.WatchListPodForAllNamespacesAsync(
                labelSelector: labelSelector,
                resourceVersion: version,
                timeoutSeconds: WatchSeconds,
                onError: _ => { },
                cancellationToken: cancellationToken
            )
            : client.CoreV1.WatchListNamespacedPodAsync(
                namespaceName,
                labelSelector: labelSelector,
                resourceVersion: version,
                timeoutSeconds: WatchSeconds,
                onError: _ => { },
                cancellationToken: cancellationToken
            );
}
