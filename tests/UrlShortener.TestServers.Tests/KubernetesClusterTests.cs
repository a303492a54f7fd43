using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;
using UrlShortener.TestServers.Kubernetes;
using Xunit;

namespace UrlShortener.TestServers.Tests;

public sealed class KubernetesClusterTests(KubernetesClusterFixture fixture) : ServerTest
{
    [Fact]
    public async Task Deployment_Created_ControllersMakeItsPods()
    {
        var cluster = await SharedAsync(fixture);
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("pods", Token);

        await client.AppsV1.CreateNamespacedDeploymentAsync(Samples.Deployment("web", 2), space.Name, cancellationToken: Token);

        await Eventually.HoldsAsync(
            async () => (await client.CoreV1.ListNamespacedPodAsync(space.Name, labelSelector: "app=web", cancellationToken: Token)).Items.Count == 2,
            "the deployment has its two pods"
        );
    }

    [Fact]
    public async Task Namespace_Deleted_GoesWithWhatIsInIt()
    {
        var cluster = await SharedAsync(fixture);
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("gone", Token);
        await client.CoreV1.CreateNamespacedConfigMapAsync(Samples.ConfigMap("settings", "key", "value"), space.Name, cancellationToken: Token);

        await client.CoreV1.DeleteNamespaceAsync(space.Name, cancellationToken: Token);

        await Eventually.HoldsAsync(async () => await IsGoneAsync(() => client.CoreV1.ReadNamespaceAsync(space.Name, cancellationToken: Token)), "it is gone");
    }

    [Fact]
    public async Task Owner_Deleted_GarbageCollectorDeletesWhatItOwned()
    {
        var cluster = await SharedAsync(fixture);
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("owned", Token);
        var owner = await client.CoreV1.CreateNamespacedConfigMapAsync(Samples.ConfigMap("owner", "key", "value"), space.Name, cancellationToken: Token);
        var owned = Samples.ConfigMap("owned", "key", "value");
        owned.Metadata.OwnerReferences =
        [
            new V1OwnerReference
            {
                ApiVersion = "v1",
                Kind = "ConfigMap",
                Name = "owner",
                Uid = owner.Metadata.Uid,
            },
        ];
        await client.CoreV1.CreateNamespacedConfigMapAsync(owned, space.Name, cancellationToken: Token);

        await client.CoreV1.DeleteNamespacedConfigMapAsync("owner", space.Name, cancellationToken: Token);

        await Eventually.HoldsAsync(
            async () => await IsGoneAsync(() => client.CoreV1.ReadNamespacedConfigMapAsync("owned", space.Name, cancellationToken: Token)),
            "what it owned is gone"
        );
    }

    [Fact]
    public async Task Audit_WritesOfAUser_AreCountedByVerbAndResource()
    {
        var cluster = await SharedAsync(fixture);
        await using var space = await cluster.CreateNamespaceAsync("audit", Token);
        var rules = new V1PolicyRule
        {
            ApiGroups = [""],
            Resources = ["configmaps"],
            Verbs = ["get", "create"],
        };
        var user = await cluster.MakeUserAsync(space.Name, "writer", [rules], everywhere: false, Token);
        using var client = KubernetesCluster.CreateClient(user);

        await client.CoreV1.CreateNamespacedConfigMapAsync(Samples.ConfigMap("one", "key", "value"), space.Name, cancellationToken: Token);
        await client.CoreV1.CreateNamespacedConfigMapAsync(Samples.ConfigMap("two", "key", "value"), space.Name, cancellationToken: Token);
        await client.CoreV1.ReadNamespacedConfigMapAsync("one", space.Name, cancellationToken: Token);
        var refusal = await Assert.ThrowsAsync<HttpOperationException>(() =>
            client.CoreV1.DeleteNamespacedConfigMapAsync("one", space.Name, cancellationToken: Token)
        );

        Assert.Equal(HttpStatusCode.Forbidden, refusal.Response.StatusCode);
        RequireLocal(cluster);
        var events = await cluster.ReadAuditAsync(one => one.User == user.Name, Token);
        Assert.Equal(
            ["create configmaps 201", "create configmaps 201", "get configmaps 200", "delete configmaps 403"],
            events.Select(one => $"{one.Verb} {one.Resource} {one.Code}")
        );
        Assert.Equal(3, events.Count(one => one.IsWrite));
        Assert.All(events, one => Assert.Equal(space.Name, one.Namespace));
    }

    [Fact]
    public async Task User_WithRightsEverywhere_ReadsOtherNamespaces()
    {
        var cluster = await SharedAsync(fixture);
        await using var space = await cluster.CreateNamespaceAsync("everywhere", Token);
        var rules = new V1PolicyRule
        {
            ApiGroups = [""],
            Resources = ["namespaces"],
            Verbs = ["list"],
        };
        var user = await cluster.MakeUserAsync(space.Name, "reader", [rules], everywhere: true, Token);
        using var client = KubernetesCluster.CreateClient(user);

        var spaces = await client.CoreV1.ListNamespaceAsync(cancellationToken: Token);

        Assert.Contains(spaces.Items, one => one.Metadata.Name == space.Name);
    }

    private static async Task<bool> IsGoneAsync(Func<Task> readAsync)
    {
        try
        {
            await readAsync();
            return false;
        }
        catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return true;
        }
    }
}
