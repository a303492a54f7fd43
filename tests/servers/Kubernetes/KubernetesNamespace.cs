using System.Net;
using k8s;
using k8s.Autorest;

namespace UrlShortener.TestServers.Kubernetes;

/// <summary>A namespace of one test. At the end it is deleted with all in it, which goes on after <see cref="DisposeAsync"/>.</summary>
public sealed class KubernetesNamespace : IAsyncDisposable
{
    private readonly IKubernetes _client;

    internal KubernetesNamespace(IKubernetes client, string name)
    {
        _client = client;
        Name = name;
    }

    /// <summary>The name, which nothing else in the cluster has.</summary>
    public string Name { get; }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _client.CoreV1.DeleteNamespaceAsync(Name, cancellationToken: CancellationToken.None);
        }
        catch (HttpOperationException e) when (e.Response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            // The test has deleted it.
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            // The test has stopped the API server, or cut it off; the namespace goes with the cluster.
        }
    }

    /// <inheritdoc />
    public override string ToString() => Name;
}
