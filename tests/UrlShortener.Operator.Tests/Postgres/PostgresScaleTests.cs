using k8s;
using k8s.Models;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>Members of the PostgreSQL that the operator runs come and go, while links are created, and the region goes and comes over its volumes.</summary>
public sealed class PostgresScaleTests(ApiServerFixture apiServer, StoresFixture stores) : PostgresChangeTest(apiServer, stores)
{
    // Two members more, one of which becomes the primary, with larger volumes for all; then as before.
    [Fact]
    public async Task Members_AddedAndRemovedUnderLoad_LoseNoLink()
    {
        await StartAsync(programs: await Availability.OrSkipAsync(StorePrograms.FindAsync(Token)));
        await CreateClassAsync();
        var region = Lab.Region(patch: PostgresMembers.Patch);
        region["spec"]!["postgres"]!["storage"]!["storageClassName"] = Lab.Namespace;
        await Lab.Client.CreateAsync(region);
        await UntilWholeAsync();
        await Lab.UntilAsync("Ready", "True");
        var service = await Lab.OpenServiceAsync();
        using var http = RegionLab.NewHttp(service);
        await using var writer = new LinkWriter(http);

        await Lab.PatchAsync("""{ "postgres": { "instances": 5, "storage": { "size": "2Gi" } } }""");
        await UntilServeAsync(5);
        Assert.All(await ReadClaimsAsync(), claim => Assert.Equal("2Gi", claim.Status.Capacity["storage"].ToString()));
        var (_, timeline) = await ReadPrimaryAsync();
        // A member that has just caught up is not synchronous yet, and the request would be refused.
        await Eventually.HoldsAsync(async () => (await Members.ReadSyncAsync()).Contains("eu-postgres-4"), () => "the fifth member is synchronous");
        await Members.RequestSwitchoverAsync("eu-postgres-4", timeline);
        await UntilRequestIsAsync(SwitchoverState.Done);
        await UntilServeAsync(5);

        await Lab.PatchAsync("""{ "postgres": { "instances": 3 } }""");
        await UntilServeAsync(3);
        // A removed pod has its time of grace, and the primary's record of its replicas is written at its next look.
        await Eventually.HoldsAsync(
            async () =>
                (await Members.ReadPodsAsync()).Select(pod => pod.Metadata.Name).Order().SequenceEqual(["eu-postgres-0", "eu-postgres-1", "eu-postgres-2"])
                && await Members.ReadSyncAsync() is { Count: 2 } replicas
                && !replicas.Contains("eu-postgres-4"),
            () => "two replicas are left"
        );
        Assert.NotEqual("eu-postgres-4", await Members.ReadLockAsync());
        Assert.Equal(5, (await ReadClaimsAsync()).Count);

        // The class no longer lets volumes grow. Nothing else changes.
        await Lab.Client.StorageV1.PatchStorageClassAsync(
            new V1Patch("""{ "allowVolumeExpansion": false }""", V1Patch.PatchType.MergePatch),
            Lab.Namespace,
            cancellationToken: Token
        );
        await Lab.PatchAsync("""{ "postgres": { "storage": { "size": "3Gi" } } }""");
        await Lab.UntilAsync("PostgresUpToDate", "False", reason: "VolumesNotGrown");
        await Lab.UntilAsync("PostgresReady", "True");

        var acknowledged = await writer.StopAsync();
        Assert.NotEmpty(acknowledged);
        Assert.Empty(await writer.FindLostAsync());

        // The region is deleted, and created again over its volumes with one member more. The first volume is lost, and the fourth one is of a member that was
        // removed before: an empty one must not begin another database, and an old one must not become the primary.
        var database = (await Lab.ReadAsync()).Status!.Postgres!.SystemIdentifier;
        await DeleteAsync();
        await Lab.Client.CoreV1.DeleteNamespacedPersistentVolumeClaimAsync("data-eu-postgres-0", Lab.Namespace, cancellationToken: Token);
        region["spec"]!["postgres"]!["instances"] = 4;
        await Lab.Client.CreateAsync(region);
        await UntilServeAsync(4);
        Assert.Equal(database, (await Lab.ReadAsync()).Status!.Postgres!.SystemIdentifier);
        await Lab.UntilAsync("Ready", "True");
        await service.WaitUntilReadyAsync(2, Token);
        Assert.Empty(await writer.FindLostAsync());
    }

    private async Task UntilServeAsync(int members)
    {
        await UntilAsync("PostgresUpToDate", "True");
        await UntilAsync("PostgresDegraded", "False");
        await UntilAsync("SyncReplicationHealthy", "True");
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadAsync()).Status?.Postgres is { Primary: not null, ReadyInstances: { } ready } && ready == members,
            () => $"{members} members serve"
        );
    }

    private async Task DeleteAsync()
    {
        await Lab.Client.CustomObjects.DeleteNamespacedCustomObjectAsync(
            ApiGroup.Name,
            ApiGroup.Version,
            Lab.Namespace,
            V1Alpha1ShortenerRegion.KubePlural,
            "eu",
            cancellationToken: Token
        );
        await Eventually.HoldsAsync(
            async () => (await Lab.Client.CoreV1.ListNamespacedPodAsync(Lab.Namespace, cancellationToken: Token)).Items.Count == 0,
            () => "all pods have ended"
        );
    }

    private Task<V1StorageClass> CreateClassAsync() =>
        Lab.Client.StorageV1.CreateStorageClassAsync(
            new V1StorageClass
            {
                Metadata = new V1ObjectMeta { Name = Lab.Namespace },
                Provisioner = "kubernetes.io/no-provisioner",
                AllowVolumeExpansion = true,
            },
            cancellationToken: Token
        );

    private async Task<IList<V1PersistentVolumeClaim>> ReadClaimsAsync() =>
        (await Lab.Client.CoreV1.ListNamespacedPersistentVolumeClaimAsync(Lab.Namespace, cancellationToken: Token)).Items;
}
