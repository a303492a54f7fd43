using Docker.DotNet;
using DotNet.Testcontainers.Builders;
using k8s;
using k8s.Models;
using Testcontainers.K3s;

namespace UrlShortener.TestServers.Kubernetes;

/// <summary>A K3s in a container, for machines that have a container engine and no control plane.</summary>
internal static class KubernetesContainer
{
    private const string Image = "rancher/k3s:v1.31.4-k3s1";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Starts one, and lets its own node take no pods: a process kubelet runs them.</summary>
    /// <returns>The container and the text of a kubeconfig for it, or null and the reason why there is none.</returns>
    public static async Task<(K3sContainer? Container, string KubeconfigOrReason)> StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            var container = new K3sBuilder(Image).Build();
            try
            {
                using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                timed.CancelAfter(Limit);
                await container.StartAsync(timed.Token);
                return (container, await container.GetKubeconfigAsync());
            }
            catch
            {
                await container.DisposeAsync();
                throw;
            }
        }
        catch (DockerUnavailableException)
        {
            return (null, "no container engine answers");
        }
        catch (DockerApiException e)
        {
            return (null, $"the container engine cannot run {Image}: {e.Message}");
        }
    }

    /// <summary>Keeps the scheduler from the nodes that the cluster came with.</summary>
    public static async Task CordonAsync(IKubernetes client, CancellationToken cancellationToken)
    {
        var patch = new V1Patch("""{"spec": {"unschedulable": true}}""", V1Patch.PatchType.MergePatch);
        foreach (var node in (await client.CoreV1.ListNodeAsync(cancellationToken: cancellationToken)).Items)
            await client.CoreV1.PatchNodeAsync(patch, node.Metadata.Name, cancellationToken: cancellationToken);
    }

    /// <summary>Writes the kubeconfig to a file of its own.</summary>
    public static async Task<string> WriteAsync(string kubeconfig, CancellationToken cancellationToken)
    {
        var path = Path.Combine(Path.GetTempPath(), $"urlshortener-k3s-{Guid.NewGuid():N}.conf");
        await using var stream = new FileStream(
            path,
            new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = OwnerOnly,
            }
        );
        await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(kubeconfig), cancellationToken);
        return path;
    }
}
