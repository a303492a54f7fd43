using k8s;
using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>What keeps a region from being made, how that is told, and that it ends.</summary>
public sealed class ObstacleTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    [Fact]
    public async Task Region_WithObstacles_SaysWhichAndIsMadeOnceTheyAreGone()
    {
        await StartWithFakePodsAsync();
        var postgres = (await Lab.Client.CoreV1.ReadNamespacedSecretAsync("postgres", Lab.Namespace, cancellationToken: Token)).Data["connectionString"];
        await Lab.Client.AppsV1.CreateNamespacedDeploymentAsync(ForeignDeployment("eu-app"), Lab.Namespace, cancellationToken: Token);
        await Lab.Client.CreateAsync(Lab.Region(patch: """{ "connections": { "postgresSecretRef": { "name": "later" } } }"""));

        Assert.Contains(
            "Secret later",
            (await Lab.UntilAsync(ConditionTypes.Stalled, "True", reason: Reasons.SecretNotFound)).Message,
            StringComparison.Ordinal
        );
        Assert.Empty((await Lab.Client.CoreV1.ListNamespacedServiceAsync(Lab.Namespace, cancellationToken: Token)).Items);
        await Lab.Client.CoreV1.CreateNamespacedSecretAsync(
            new V1Secret
            {
                Metadata = new V1ObjectMeta { Name = "later" },
                Data = new Dictionary<string, byte[]> { ["connectionString"] = postgres },
            },
            Lab.Namespace,
            cancellationToken: Token
        );
        Assert.Contains(
            "Deployment eu-app",
            (await Lab.UntilAsync(ConditionTypes.Stalled, "True", reason: Reasons.NameTaken)).Message,
            StringComparison.Ordinal
        );
        Assert.Equal("registry.example/other:1", (await Lab.ReadDeploymentAsync()).Spec.Template.Spec.Containers[0].Image);
        await Lab.Client.AppsV1.DeleteNamespacedDeploymentAsync("eu-app", Lab.Namespace, cancellationToken: Token);
        await Lab.UntilAsync(ConditionTypes.Ready, "True");

        await AssertTwinWaitsAsync();
        await AssertSuspendedChangesNothingAsync();
        await AssertSecretRollsPodsAsync(postgres);
        await AssertDeletionTakesAllAsync();
    }

    private async Task AssertTwinWaitsAsync()
    {
        await Lab.Client.CreateAsync(Lab.Region("twin", """{ "region": "eu" }"""));
        Assert.Contains(
            $"{Lab.Namespace}/eu",
            (await Lab.UntilAsync(ConditionTypes.Stalled, "True", "twin", Reasons.RegionConflict)).Message,
            StringComparison.Ordinal
        );
        await DeleteAsync("twin");
        await Lab.UntilAsync(ConditionTypes.Stalled, "False");
    }

    private async Task AssertSuspendedChangesNothingAsync()
    {
        var before = await Lab.ReadDeploymentAsync();
        await Lab.PatchAsync("""{ "suspend": "Changes", "app": { "maxReplicas": 11, "podLabels": { "team": "links" } } }""");
        await Lab.UntilAsync(ConditionTypes.Suspended, "True");
        Assert.Equal(before.Metadata.Generation, (await Lab.ReadDeploymentAsync()).Metadata.Generation);
        await Lab.PatchAsync("""{ "suspend": "None" }""");
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadDeploymentAsync()).Spec.Template.Metadata.Labels.ContainsKey("team"),
            "what was changed meanwhile is done"
        );
        await Lab.UntilAsync(ConditionTypes.Reconciling, "False");
    }

    private async Task AssertSecretRollsPodsAsync(byte[] postgres)
    {
        var before = (await Lab.ReadDeploymentAsync()).Spec.Template.Metadata.Annotations["urlshortener.dev/settings"];
        var secret = await Lab.Client.CoreV1.ReadNamespacedSecretAsync("later", Lab.Namespace, cancellationToken: Token);
        secret.Data["connectionString"] = [.. postgres, .. ";Application Name=rotated"u8];
        await Lab.Client.CoreV1.ReplaceNamespacedSecretAsync(secret, "later", Lab.Namespace, cancellationToken: Token);
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadDeploymentAsync()).Spec.Template.Metadata.Annotations["urlshortener.dev/settings"] != before,
            () => "pods get the new Secret"
        );
        await Lab.UntilAsync(ConditionTypes.Reconciling, "False");
    }

    private async Task AssertDeletionTakesAllAsync()
    {
        await DeleteAsync("eu");
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.Client.AppsV1.ListNamespacedDeploymentAsync(Lab.Namespace, cancellationToken: Token)).Items.Count == 0
                && (await Lab.Client.CoreV1.ListNamespacedServiceAsync(Lab.Namespace, cancellationToken: Token)).Items.Count == 0
                && (await Lab.Client.BatchV1.ListNamespacedJobAsync(Lab.Namespace, cancellationToken: Token)).Items.Count == 0,
            () => "what belonged to the region is gone"
        );
    }

    private Task<object> DeleteAsync(string name) =>
        Lab.Client.CustomObjects.DeleteNamespacedCustomObjectAsync(
            ApiGroup.Name,
            ApiGroup.Version,
            Lab.Namespace,
            V1Alpha1ShortenerRegion.KubePlural,
            name,
            cancellationToken: Token
        );

    private static V1Deployment ForeignDeployment(string name) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name },
            Spec = new V1DeploymentSpec
            {
                Replicas = 0,
                Selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string> { ["app"] = "other" } },
                Template = new V1PodTemplateSpec
                {
                    Metadata = new V1ObjectMeta { Labels = new Dictionary<string, string> { ["app"] = "other" } },
                    Spec = new V1PodSpec { Containers = [new V1Container { Name = "other", Image = "registry.example/other:1" }] },
                },
            },
        };
}
