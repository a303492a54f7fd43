using System.Diagnostics;
using System.Globalization;
using System.Text;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>When migrations of the database start, and when their Jobs are replaced or adopted.</summary>
public sealed class MigrationTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    [Fact]
    public async Task UnfinishedJob_OfACorrectedSpecification_IsReplaced()
    {
        await StartAsync();
        await Lab.Client.CreateAsync(Lab.Region(patch: $$"""{ "app": { "image": "{{RegionLab.MissingImage}}" } }"""));
        await Eventually.HoldsAsync(async () => (await ReadJobsAsync()).Count == 1, "the migration has begun");
        var stuck = Assert.Single(await ReadJobsAsync());

        // The image is missing only for those without a password for the registry.
        await Lab.PatchAsync("""{ "app": { "imagePullSecrets": [{ "name": "registry" }] } }""");

        V1Job? replaced = null;
        await Eventually.HoldsAsync(
            async () => (replaced = (await ReadJobsAsync()).SingleOrDefault()) is { } job && job.Metadata.Uid != stuck.Metadata.Uid,
            "the Job is replaced"
        );
        Assert.Equal(stuck.Metadata.Name, replaced!.Metadata.Name);
        Assert.Equal("registry", Assert.Single(replaced.Spec.Template.Spec.ImagePullSecrets).Name);
        await Lab.PatchAsync($$"""{ "app": { "image": "{{RegionLab.Image}}" } }""");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
    }

    [Fact]
    public async Task Secret_ChangedManyTimes_MakesOneMigration()
    {
        await StartAsync();
        await Lab.Client.CreateAsync(Lab.Region());
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        var began = TimeProvider.System.GetUtcNow();
        var secret = await Lab.Client.CoreV1.ReadNamespacedSecretAsync("postgres", Lab.Namespace, cancellationToken: Token);
        var value = Encoding.UTF8.GetString(secret.Data["connectionString"]);

        // Changes between which a busy machine lets more time pass than the operator waits for the next one. It may see each of them later than this test does.
        var late = 0;
        var changed = Stopwatch.GetTimestamp();
        for (var change = 0; change < 15; change++)
        {
            secret.Data["connectionString"] = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{value};Application Name=change-{change}"));
            secret = await Lab.Client.CoreV1.ReplaceNamespacedSecretAsync(secret, "postgres", Lab.Namespace, cancellationToken: Token);
            // The operator has seen it: it says that it has to migrate.
            await Lab.UntilAsync(ConditionTypes.Reconciling, "True", reason: Reasons.Migrating);
            if (change > 0 && Stopwatch.GetElapsedTime(changed) >= Migration.SettleTime / 2)
                late++;
            changed = Stopwatch.GetTimestamp();
        }

        await Lab.UntilAsync(ConditionTypes.Reconciling, "False");
        Assert.InRange((await Lab.ReadWritesAsync(began)).Count(entry => entry is { Verb: "create", Resource: "jobs" }), 1, 1 + late);
    }

    [Fact]
    public async Task Objects_OrphanedByADeletion_AreAdoptedByTheNextRegion()
    {
        await StartWithFakePodsAsync();
        await Lab.Client.CreateAsync(Lab.Region());
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        var job = Assert.Single(await ReadJobsAsync());
        var before = await ReadObjectsAsync();

        await Lab.Client.CustomObjects.DeleteNamespacedCustomObjectAsync(
            ApiGroup.Name,
            ApiGroup.Version,
            Lab.Namespace,
            V1Alpha1ShortenerRegion.KubePlural,
            "eu",
            propagationPolicy: "Orphan",
            cancellationToken: Token
        );
        await Eventually.HoldsAsync(
            async () => (await ReadObjectsAsync()).All(item => item.OwnerReferences is not { Count: > 0 }),
            "all objects have lost their owner"
        );
        await Lab.Client.CreateAsync(Lab.Region());
        var region = (await Lab.ReadAsync()).Metadata.Uid;

        await Eventually.HoldsAsync(
            async () => (await ReadObjectsAsync()).All(item => item.OwnerReferences?.Any(owner => owner.Uid == region) == true),
            "all objects belong to the new region"
        );
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        Assert.Equal(before.Select(item => item.Uid), (await ReadObjectsAsync()).Select(item => item.Uid));
        Assert.Equal(job.Metadata.Uid, Assert.Single(await ReadJobsAsync()).Metadata.Uid);
    }

    private async Task<IList<V1Job>> ReadJobsAsync() => (await Lab.Client.BatchV1.ListNamespacedJobAsync(Lab.Namespace, cancellationToken: Token)).Items;

    private async Task<IReadOnlyList<V1ObjectMeta>> ReadObjectsAsync()
    {
        var (client, space) = (Lab.Client, Lab.Namespace);
        const string Ours = Labels.ManagedSelector;
        return
        [
            .. (await client.CoreV1.ListNamespacedServiceAsync(space, labelSelector: Ours, cancellationToken: Token)).Items.Select(item => item.Metadata),
            .. (await client.CoreV1.ListNamespacedServiceAccountAsync(space, labelSelector: Ours, cancellationToken: Token)).Items.Select(item =>
                item.Metadata
            ),
            .. (await client.CoreV1.ListNamespacedConfigMapAsync(space, labelSelector: Ours, cancellationToken: Token)).Items.Select(item => item.Metadata),
            .. (await client.AppsV1.ListNamespacedDeploymentAsync(space, labelSelector: Ours, cancellationToken: Token)).Items.Select(item => item.Metadata),
            .. (await client.AutoscalingV2.ListNamespacedHorizontalPodAutoscalerAsync(space, labelSelector: Ours, cancellationToken: Token)).Items.Select(
                item => item.Metadata
            ),
            .. (await client.PolicyV1.ListNamespacedPodDisruptionBudgetAsync(space, labelSelector: Ours, cancellationToken: Token)).Items.Select(item =>
                item.Metadata
            ),
            .. (await client.NetworkingV1.ListNamespacedNetworkPolicyAsync(space, labelSelector: Ours, cancellationToken: Token)).Items.Select(item =>
                item.Metadata
            ),
            .. (await ReadJobsAsync()).Select(item => item.Metadata),
        ];
    }
}
