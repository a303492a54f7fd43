using k8s;
using k8s.Models;
using UrlShortener.Operator.Conditions;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>Pods that the cluster refuses, and controllers that somebody told to wait.</summary>
public sealed class RefusedPodsTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    [Fact]
    public async Task Quota_OrPauseOrSuspension_IsNamed()
    {
        await StartAsync();
        var none = new V1ResourceQuota
        {
            Metadata = new V1ObjectMeta { Name = "none" },
            Spec = new V1ResourceQuotaSpec { Hard = new Dictionary<string, ResourceQuantity> { ["pods"] = new("0") } },
        };
        await Lab.Client.CoreV1.CreateNamespacedResourceQuotaAsync(none, Lab.Namespace, cancellationToken: Token);
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.Client.CoreV1.ReadNamespacedResourceQuotaAsync("none", Lab.Namespace, cancellationToken: Token)).Status?.Hard is { Count: > 0 },
            "the quota is in force"
        );
        await Lab.Client.CreateAsync(Lab.Region(patch: $$"""{ "app": { "image": "{{RegionLab.MissingImage}}" } }"""));

        var refused = await Lab.UntilAsync(ConditionTypes.Stalled, "True", reason: Reasons.PodsRefused);
        Assert.Contains("Job eu-migrate-", refused.Message, StringComparison.Ordinal);
        Assert.Contains("exceeded quota: none", refused.Message, StringComparison.Ordinal);

        await SuspendJobAsync();
        Assert.Contains("Job eu-migrate-", (await Lab.UntilAsync(ConditionTypes.Stalled, "True", reason: Reasons.Paused)).Message, StringComparison.Ordinal);

        // With another image there is another Job, which nobody suspended.
        await Lab.Client.CoreV1.DeleteNamespacedResourceQuotaAsync("none", Lab.Namespace, cancellationToken: Token);
        await Lab.PatchAsync($$"""{ "app": { "image": "{{RegionLab.Image}}" } }""");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");

        await PauseAsync(true);
        await Lab.PatchAsync("""{ "app": { "podLabels": { "team": "links" } } }""");
        var paused = await Lab.UntilAsync(ConditionTypes.Stalled, "True", reason: Reasons.Paused);
        Assert.Contains("kubectl rollout resume deployment/eu-app", paused.Message, StringComparison.Ordinal);
        await PauseAsync(false);
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Lab.UntilAsync(ConditionTypes.Stalled, "False");
    }

    private async Task SuspendJobAsync()
    {
        var job = Assert.Single((await Lab.Client.BatchV1.ListNamespacedJobAsync(Lab.Namespace, cancellationToken: Token)).Items);
        await Lab.Client.BatchV1.PatchNamespacedJobAsync(
            new V1Patch("""{ "spec": { "suspend": true } }""", V1Patch.PatchType.MergePatch),
            job.Metadata.Name,
            Lab.Namespace,
            cancellationToken: Token
        );
    }

    private Task<V1Deployment> PauseAsync(bool isPaused) =>
        Lab.Client.AppsV1.PatchNamespacedDeploymentAsync(
            new V1Patch($$"""{ "spec": { "paused": {{(isPaused ? "true" : "false")}} } }""", V1Patch.PatchType.MergePatch),
            "eu-app",
            Lab.Namespace,
            cancellationToken: Token
        );
}
