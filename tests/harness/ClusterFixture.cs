using UrlShortener.TestServers.Kubernetes;
using Xunit;

namespace UrlShortener.TestHarness;

/// <summary>A cluster for all tests that leave it as it is. It starts with the first of them.</summary>
public abstract class ClusterFixture : IAsyncLifetime
{
    private readonly Lazy<Task<KubernetesCluster>> _cluster;

    /// <summary>Prepares it; nothing is started yet.</summary>
    protected ClusterFixture() => _cluster = new Lazy<Task<KubernetesCluster>>(StartAsync);

    /// <summary>The cluster; skips the test, with the reason, where none can be had.</summary>
    public Task<KubernetesCluster> GetAsync() => Availability.OrSkipAsync(_cluster.Value);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_cluster is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } started })
            await (await started).DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Makes the cluster what the tests want.</summary>
    protected abstract Task PrepareAsync(KubernetesCluster cluster);

    private async Task<KubernetesCluster> StartAsync()
    {
        var cluster = await KubernetesCluster.StartAsync(new KubernetesClusterOptions(), CancellationToken.None);
        try
        {
            await PrepareAsync(cluster);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }
}
