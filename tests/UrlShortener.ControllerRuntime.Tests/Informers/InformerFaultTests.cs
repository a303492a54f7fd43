using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.ControllerRuntime.Timing;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Network;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Informers;

/// <summary>Informers of a cluster that forgets, on one of its own.</summary>
public sealed class InformerFaultTests : RuntimeTest
{
    [Fact]
    public async Task Informer_CompactedWhileCutOff_ListsAnewAndMissesNoDelete()
    {
        await using var cluster = await Availability.OrSkipAsync(KubernetesCluster.StartAsync(new KubernetesClusterOptions { Gated = true }, Token));
        Assert.SkipUnless(cluster.IsLocal, "The store of a cluster that is not of local processes cannot be compacted (KUBEBUILDER_ASSETS).");
        await using var space = await cluster.CreateNamespaceAsync("compacted", Token);
        using var client = cluster.CreateClient();
        await client.CoreV1.CreateNamespacedConfigMapAsync(InformerTests.Build("doomed"), space.Name, cancellationToken: Token);
        await client.CoreV1.CreateNamespacedConfigMapAsync(InformerTests.Build("twin"), space.Name, cancellationToken: Token);
        await client.CoreV1.CreateNamespacedConfigMapAsync(InformerTests.Build("kept"), space.Name, cancellationToken: Token);
        await using var ownGate = new TcpGate(cluster.Gate!.Port);
        var log = new TestLog<Informer<V1ConfigMap>>();
        var options = new InformerOptions<V1ConfigMap>
        {
            Namespaces = [space.Name],
            LabelSelector = "test=yes",
            Timings = new InformerTimings { Reconnect = new Backoff(TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(200)) },
        };
        await using var running = await RunningInformer<V1ConfigMap>.StartAsync(cluster.Kubeconfig, ownGate.Port, options, log);

        ownGate.Mode = TcpGateMode.Closed;
        await client.CoreV1.DeleteNamespacedConfigMapAsync("doomed", space.Name, cancellationToken: Token);
        await client.CoreV1.DeleteNamespacedConfigMapAsync("twin", space.Name, cancellationToken: Token);
        await client.CoreV1.CreateNamespacedConfigMapAsync(InformerTests.Build("twin"), space.Name, cancellationToken: Token);
        for (var i = 0; i < 5; i++)
            await client.CoreV1.CreateNamespacedConfigMapAsync(InformerTests.Build($"new-{i}"), space.Name, cancellationToken: Token);
        await cluster.CompactAsync(Token);
        ownGate.Mode = TcpGateMode.Open;

        await UntilAsync(() => running.Changes.All.Count >= 11, "what happened meanwhile is told");
        Assert.Equal(["+doomed", "+kept", "+twin"], running.Changes.All.Take(3).Order());
        Assert.Equal(
            ["+new-0", "+new-1", "+new-2", "+new-3", "+new-4", "+twin", "-doomed", "-twin"],
            running.Changes.All.Skip(3).Order(StringComparer.Ordinal)
        );
        Assert.Equal(1, log.Count("WatchGone"));
    }
}
