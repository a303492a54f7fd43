using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Tests.Webhooks;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>Regions of one group, at a server that asks the webhook. They lack their Secrets, and their status says that they were ready once.</summary>
public sealed class GroupTests(ApiServerFixture servers)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Primary_IsNotDeletedWhileItTakesTheWritesOfOthers()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("group", Token);
        await using var host = await WebhookHost.StartAsync(cluster, space.Name, TimeProvider.System);
        await host.InstallAsync();
        await using var running = await TestOperator.StartAsync(cluster.Kubeconfig, space.Name);
        var group = new Group(client, space.Name);
        await group.CreateAsync("eu", 90);
        await group.CreateAsync("us", 80);
        await group.CreateAsync("ap", 60);
        foreach (var region in new[] { "eu", "us", "ap" })
            await group.MarkReadyAsync(region);
        await group.UntilAsync("eu", "Primary", "eu");
        await group.UntilAsync("us", "Standby", "eu");
        await group.UntilAsync("ap", "Standby", "eu");

        Assert.Contains(
            $"Region eu is the primary of group {space.Name}. Promote another region (annotation {Labels.Promote}), delete the other regions first, "
                + $"or set the annotation {Labels.AllowDeletePrimary}: eu.",
            await KubernetesObjects.RefusalAsync(() => group.DeleteAsync("eu")),
            StringComparison.Ordinal
        );

        // A standby goes, and the primary once another one has its role.
        await group.DeleteAsync("ap");
        await group.PatchAsync("us", $$"""{ "metadata": { "annotations": { "{{Labels.Promote}}": "us@1" } } }""");
        await group.UntilAsync("eu", "Standby", "us");
        await group.UntilAsync("us", "Primary", "us");
        await KubernetesObjects.RefusalAsync(() => group.DeleteAsync("us"));
        await group.DeleteAsync("eu");

        // The last one has nobody to take writes for.
        await group.UntilAsync("us", "Primary", null);
        await group.CreateAsync("eu", 1);
        await group.UntilAsync("us", "Primary", "us");
        await KubernetesObjects.RefusalAsync(() => group.DeleteAsync("us"));
        await group.PatchAsync("us", $$"""{ "metadata": { "annotations": { "{{Labels.AllowDeletePrimary}}": "us" } } }""");
        await group.DeleteAsync("us");
        await group.UntilAsync("eu", "Primary", null);
    }

    private sealed class Group(IKubernetes client, string space)
    {
        public async Task CreateAsync(string region, int priority) =>
            await client.CreateAsync(
                SpecJson.Object(
                    V1Alpha1ShortenerRegion.KubeKind,
                    space,
                    region,
                    SpecJson.Merge(
                        SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind),
                        new JsonObject
                        {
                            ["region"] = region,
                            ["group"] = space,
                            ["failover"] = new JsonObject { ["priority"] = priority },
                        }
                    )!
                )
            );

        public async Task PatchAsync(string region, string patch) =>
            await client.CustomObjects.PatchNamespacedCustomObjectAsync(
                new V1Patch(patch, V1Patch.PatchType.MergePatch),
                ApiGroup.Name,
                ApiGroup.Version,
                space,
                V1Alpha1ShortenerRegion.KubePlural,
                region,
                cancellationToken: Token
            );

        public async Task MarkReadyAsync(string region) =>
            await client.CustomObjects.PatchNamespacedCustomObjectStatusAsync(
                new V1Patch("""{ "status": { "firstReadyTime": "2030-01-31T12:00:00Z" } }""", V1Patch.PatchType.MergePatch),
                ApiGroup.Name,
                ApiGroup.Version,
                space,
                V1Alpha1ShortenerRegion.KubePlural,
                region,
                cancellationToken: Token
            );

        public async Task DeleteAsync(string region) =>
            await client.CustomObjects.DeleteNamespacedCustomObjectAsync(
                ApiGroup.Name,
                ApiGroup.Version,
                space,
                V1Alpha1ShortenerRegion.KubePlural,
                region,
                cancellationToken: Token
            );

        public Task UntilAsync(string region, string role, string? primary) =>
            Eventually.HoldsAsync(
                async () =>
                    KubernetesJson
                        .Deserialize<V1Alpha1ShortenerRegion>(
                            KubernetesObjects
                                .Parse(
                                    await client.CustomObjects.GetNamespacedCustomObjectAsync(
                                        ApiGroup.Name,
                                        ApiGroup.Version,
                                        space,
                                        V1Alpha1ShortenerRegion.KubePlural,
                                        region,
                                        Token
                                    )
                                )
                                .ToJsonString()
                        )
                        .Status
                        is { } status
                    && status.Role == role
                    && status.Topology?.PrimaryRegion == primary,
                $"{region} is {role}, and the primary is {primary ?? "not named"}"
            );
    }
}
