using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>The primary role among regions whose pods serve.</summary>
public sealed class RoleTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    [Fact]
    public async Task Role_MovesOnRequestAndNeitherByPriorityNorToARegionThatNeverRan()
    {
        await StartWithFakePodsAsync();
        var group = $$"""{ "group": "{{Lab.Namespace}}" }""";
        await Lab.Client.CreateAsync(Lab.Region("local", group));
        await Lab.UntilAsync(ConditionTypes.Ready, "True", "local");

        await Lab.Client.CreateAsync(
            Lab.Region(
                "thief",
                $$"""{ "group": "{{Lab.Namespace}}", "failover": { "priority": 90 }, "connections": { "postgresSecretRef": { "name": "missing" } } }"""
            )
        );
        await Lab.UntilAsync(ConditionTypes.Stalled, "True", "thief", Reasons.SecretNotFound);
        await UntilRoleAsync("thief", RegionRole.Standby, "local", 1);
        await UntilRoleAsync("local", RegionRole.Primary, "local", 1);

        await Lab.Client.CreateAsync(
            Lab.Region("us", $$"""{ "group": "{{Lab.Namespace}}", "failover": { "priority": 90 }, "app": { "standbyMinReplicas": 1 } }""")
        );
        await Lab.UntilAsync(ConditionTypes.Ready, "True", "us");
        await Lab.PatchAsync("""{ "failover": { "priority": 100 } }""", "us");
        await Lab.UntilAsync(ConditionTypes.Ready, "True", "us");
        await UntilRoleAsync("us", RegionRole.Standby, "local", 1);
        Assert.Equal((2, 1), (await ReadFloorAsync("local"), await ReadFloorAsync("us")));

        await AnnotateAsync("us", "us");
        await UntilEventAsync("us", "PromotionRefused", "set it to \"us@1\"");
        await AnnotateAsync("us", "us@1");
        await UntilRoleAsync("us", RegionRole.Primary, "us", 2);
        await UntilRoleAsync("local", RegionRole.Standby, "us", 2);

        Assert.Equal(Reasons.PromotionRequested, (await Lab.ReadAsync("local")).Status!.Topology!.Reason);
        await UntilEventAsync("us", "Promoted", "Region us is the primary from epoch 2.");
        await UntilEventAsync("local", "Demoted", "Region us is the primary from epoch 2.");
        await Eventually.HoldsAsync(async () => await ReadFloorAsync("us") == 2, "the new primary has its minimum of pods");
    }

    private Task<object> AnnotateAsync(string region, string value) =>
        Lab.Client.CustomObjects.PatchNamespacedCustomObjectAsync(
            new V1Patch($$"""{ "metadata": { "annotations": { "{{Labels.Promote}}": "{{value}}" } } }""", V1Patch.PatchType.MergePatch),
            ApiGroup.Name,
            ApiGroup.Version,
            Lab.Namespace,
            V1Alpha1ShortenerRegion.KubePlural,
            region,
            cancellationToken: Token
        );

    private async Task<int?> ReadFloorAsync(string region) =>
        (await Lab.Client.AutoscalingV2.ReadNamespacedHorizontalPodAutoscalerAsync($"{region}-app", Lab.Namespace, cancellationToken: Token)).Spec.MinReplicas;

    private async Task UntilRoleAsync(string region, string role, string primary, long epoch)
    {
        RegionStatus? status = null;
        await Eventually.HoldsAsync(
            async () =>
                (status = (await Lab.ReadAsync(region)).Status)?.Role == role && status.Topology?.PrimaryRegion == primary && status.Topology.Epoch == epoch,
            () => $"{region} is {role} and the primary is {primary}@{epoch}; it is {status?.Role}, {status?.Topology}"
        );
    }

    private Task UntilEventAsync(string region, string reason, string note) =>
        Eventually.HoldsAsync(
            async () =>
                (await Lab.Client.EventsV1.ListNamespacedEventAsync(Lab.Namespace, cancellationToken: Token)).Items.Any(entry =>
                    entry.Regarding.Name == region && entry.Reason == reason && entry.Note.Contains(note, StringComparison.Ordinal)
                ),
            $"an event {reason} of {region}"
        );
}
