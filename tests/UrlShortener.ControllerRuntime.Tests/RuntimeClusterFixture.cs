using UrlShortener.ControllerRuntime.Tests;
using UrlShortener.TestServers.Kubernetes;
using Xunit;

[assembly: AssemblyFixture(typeof(RuntimeClusterFixture))]

namespace UrlShortener.ControllerRuntime.Tests;

/// <summary>An API server with the kind <see cref="V1Widget"/>.</summary>
public sealed class RuntimeClusterFixture : ClusterFixture
{
    /// <inheritdoc />
    protected override async Task PrepareAsync(KubernetesCluster cluster)
    {
        using var client = cluster.CreateClient();
        await V1Widget.InstallAsync(client, CancellationToken.None);
    }
}
