using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Election;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.TestServers.Kubernetes;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Hosting;

/// <summary>A cluster that replaces its authority while a process runs.</summary>
public sealed class AuthorityTests : RuntimeTest
{
    [Fact]
    public async Task StandbyReplica_AuthorityReplaced_HearsOfChangesAgain()
    {
        await using var cluster = await Availability.OrSkipAsync(KubernetesCluster.StartAsync(new KubernetesClusterOptions(), Token));
        Assert.SkipUnless(cluster.IsLocal, "The authority of a cluster that is not ours stays.");
        // It ends with the cluster: its own client is one of before the rotation.
        var space = await cluster.CreateNamespaceAsync("authority", Token);
        using (var client = cluster.CreateClient())
        {
            var lease = new V1Lease
            {
                Metadata = new V1ObjectMeta { Name = "controller" },
                Spec = new V1LeaseSpec { HolderIdentity = "another", LeaseDurationSeconds = 3_600 },
            };
            await client.CoordinationV1.CreateNamespacedLeaseAsync(lease, space.Name, cancellationToken: Token);
        }

        await using var standby = await TestOperator.StartAsync(
            cluster.Kubeconfig,
            space.Name,
            services => services.AddInformer<V1ConfigMap>(informer => informer.LabelSelector = "test=yes"),
            settings =>
            {
                settings.Lease.Enabled = true;
                settings.Lease.Namespace = space.Name;
            }
        );
        var informer = standby.Get<Informer<V1ConfigMap>>();
        await informer.WaitForSyncAsync(Token);

        await cluster.RotateAuthorityAsync(Token);
        using (var client = cluster.CreateClient())
        {
            var map = new V1ConfigMap
            {
                Metadata = new V1ObjectMeta
                {
                    Name = "news",
                    Labels = new Dictionary<string, string> { ["test"] = "yes" },
                },
            };
            await client.CoreV1.CreateNamespacedConfigMapAsync(map, space.Name, cancellationToken: Token);
        }

        await UntilAsync(() => informer.Cache.Count == 1, "the standby replica hears of the object");
        Assert.False(standby.Get<Leadership>().IsLeader);
    }
}
