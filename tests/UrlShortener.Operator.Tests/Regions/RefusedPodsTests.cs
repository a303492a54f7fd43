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
        await StartWithFakePodsAsync();
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

    /// <summary>Pods of the app that the API server refuses while those of the previous specification serve.</summary>
    [Fact]
    public async Task LimitRangeOrPriorityClassOrQuota_OfTheApp_IsNamedAndClears()
    {
        await StartWithFakePodsAsync();
        await Lab.Client.CreateAsync(Lab.Region(patch: """{ "app": { "minReplicas": 1 } }"""));
        await Lab.UntilAsync(ConditionTypes.Ready, "True");

        await Lab.PatchAsync("""{ "app": { "priorityClassName": "none-such" } }""");
        await AssertRefusedAsync("no PriorityClass with name none-such was found");
        await Lab.PatchAsync("""{ "app": { "priorityClassName": null } }""");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");

        var range = new V1LimitRange
        {
            Metadata = new V1ObjectMeta { Name = "small" },
            Spec = new V1LimitRangeSpec
            {
                Limits =
                [
                    new V1LimitRangeItem
                    {
                        Type = "Container",
                        Max = new Dictionary<string, ResourceQuantity> { ["memory"] = new("64Mi") },
                    },
                ],
            },
        };
        await Lab.Client.CoreV1.CreateNamespacedLimitRangeAsync(range, Lab.Namespace, cancellationToken: Token);
        // The API server may remember for a while that there was none.
        await Eventually.HoldsAsync(IsPodRefusedAsync, "the range is in force");
        await Lab.PatchAsync("""{ "app": { "podLabels": { "try": "range" } } }""");
        await AssertRefusedAsync("maximum memory usage per Container is 64Mi");
        await Lab.Client.CoreV1.DeleteNamespacedLimitRangeAsync("small", Lab.Namespace, cancellationToken: Token);
        await Lab.PatchAsync("""{ "app": { "podLabels": { "try": "none" } } }""");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");

        var quota = new V1ResourceQuota
        {
            Metadata = new V1ObjectMeta { Name = "full" },
            Spec = new V1ResourceQuotaSpec { Hard = new Dictionary<string, ResourceQuantity> { ["requests.cpu"] = new("1m") } },
        };
        await Lab.Client.CoreV1.CreateNamespacedResourceQuotaAsync(quota, Lab.Namespace, cancellationToken: Token);
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.Client.CoreV1.ReadNamespacedResourceQuotaAsync("full", Lab.Namespace, cancellationToken: Token)).Status?.Hard is { Count: > 0 },
            "the quota is in force"
        );
        await Lab.PatchAsync("""{ "app": { "podLabels": { "try": "quota" } } }""");
        await AssertRefusedAsync("exceeded quota: full");
        await Lab.Client.CoreV1.DeleteNamespacedResourceQuotaAsync("full", Lab.Namespace, cancellationToken: Token);
        await Lab.PatchAsync("""{ "app": { "podLabels": { "try": "again" } } }""");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Lab.UntilAsync(ConditionTypes.Stalled, "False");
    }

    private async Task AssertRefusedAsync(string words)
    {
        var stalled = await Lab.UntilAsync(ConditionTypes.Stalled, "True", reason: Reasons.PodsRefused);
        Assert.Contains(words, stalled.Message, StringComparison.Ordinal);
        Assert.Equal(Reasons.PodsRefused, (await Lab.UntilAsync(ConditionTypes.Ready, "False")).Reason);
        await Lab.UntilAsync(ConditionTypes.AppAvailable, "True");
    }

    private async Task<bool> IsPodRefusedAsync()
    {
        var container = new V1Container
        {
            Name = "probe",
            Image = "probe",
            Resources = new V1ResourceRequirements { Limits = new Dictionary<string, ResourceQuantity> { ["memory"] = new("1Gi") } },
        };
        var pod = new V1Pod
        {
            Metadata = new V1ObjectMeta { Name = "probe" },
            Spec = new V1PodSpec { Containers = [container] },
        };
        try
        {
            await Lab.Client.CoreV1.CreateNamespacedPodAsync(pod, Lab.Namespace, dryRun: "All", cancellationToken: Token);
            return false;
        }
        catch (k8s.Autorest.HttpOperationException refused) when (refused.Response.StatusCode == System.Net.HttpStatusCode.Forbidden)
        {
            return true;
        }
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
