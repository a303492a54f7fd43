using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Tests;
using Xunit;

[assembly: AssemblyFixture(typeof(KubernetesClusterFixture))]

namespace UrlShortener.TestServers.Tests;

/// <summary>One cluster for all tests that leave it as it is. It starts with the first of them.</summary>
public sealed class KubernetesClusterFixture : IAsyncLifetime
{
    private readonly Lazy<Task<KubernetesCluster>> _cluster = new(() => KubernetesCluster.StartAsync(new KubernetesClusterOptions(), CancellationToken.None));

    /// <summary>The cluster.</summary>
    /// <exception cref="ServerUnavailableException">None can be had here.</exception>
    public Task<KubernetesCluster> GetAsync() => _cluster.Value;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_cluster is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } started })
            await (await started).DisposeAsync();
    }
}
