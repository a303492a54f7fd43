using System.Diagnostics;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>Changes of the PostgreSQL that the operator runs, while links are created: real Patroni and PostgreSQL, and the real product in front of them.</summary>
public sealed class PostgresRolloutTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    // The issue asks for 5 s, which a machine has that is not busy with other tests.
    private static readonly TimeSpan SwitchoverLimit = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan RolloutLimit = TimeSpan.FromMinutes(2);

    private PostgresMembers Members => new(Lab);

    [Fact]
    public async Task Specification_ChangedUnderLoad_IsRolledOutWithoutALostLink()
    {
        await StartAsync(programs: await Availability.OrSkipAsync(StorePrograms.FindAsync(Token)));
        await Lab.Client.CreateAsync(Lab.Region(patch: PostgresMembers.Patch));
        await UntilWholeAsync();
        await Lab.UntilAsync("Ready", "True");
        var service = await Lab.OpenServiceAsync();
        using var http = RegionLab.NewHttp(service);
        await using var writer = new LinkWriter(http);

        var planned = await SwitchOverAsync(writer);
        Assert.True(planned < SwitchoverLimit, $"{planned}");

        var rolled = await RollOutAsync(
            writer,
            $$"""{ "postgres": { "image": "{{StorePrograms.PostgresImage}}-2", "resources": { "requests": { "memory": "96Mi" } } } }"""
        );
        Assert.All(await Members.ReadPodsAsync(), pod => Assert.Equal($"{StorePrograms.PostgresImage}-2", pod.Spec.Containers[0].Image));

        // One parameter reloads, the other needs a restart of PostgreSQL. No pod is replaced.
        var pods = await Members.ReadPodsAsync();
        var began = Stopwatch.GetTimestamp();
        await Lab.PatchAsync("""{ "postgres": { "parameters": { "work_mem": "5MB", "shared_buffers": "100MB" } } }""");
        await UntilWholeAsync();
        Assert.Equal(pods.Select(pod => pod.Metadata.Uid), (await Members.ReadPodsAsync()).Select(pod => pod.Metadata.Uid));
        Assert.All(await ReadParametersAsync("work_mem", "shared_buffers"), values => Assert.Equal("5MB 100MB", values));
        Tell($"parameters in {Stopwatch.GetElapsedTime(began)}: {writer.LongestGapSince(began)} without a created link");

        // A value that PostgreSQL refuses changes nothing; one that does not start ends at the first replica.
        await Lab.PatchAsync("""{ "postgres": { "parameters": { "shared_buffers": "lots" } } }""");
        await Lab.UntilAsync("PostgresUpToDate", "False", reason: "ParametersRefused");
        Assert.All(await ReadParametersAsync("work_mem", "shared_buffers"), values => Assert.Equal("5MB 100MB", values));
        await Lab.PatchAsync("""{ "postgres": { "parameters": { "shared_buffers": "100MB", "shared_preload_libraries": "no_such_library" } } }""");
        await Lab.UntilAsync("PostgresUpToDate", "False", reason: "RolloutStuck");
        await UntilAsync("PostgresReady", "True");
        await Lab.PatchAsync("""{ "postgres": { "parameters": { "work_mem": "4MB", "shared_preload_libraries": null } } }""");
        await UntilWholeAsync();
        Assert.All(await ReadParametersAsync("work_mem", "shared_buffers"), values => Assert.Equal("4MB 100MB", values));

        // One replica does not start; the rollout ends there, and the others go on.
        var before = await Members.ReadPodsAsync();
        await Lab.PatchAsync("""{ "postgres": { "image": "registry.example/no-such-image:1" } }""");
        await Lab.UntilAsync("PostgresUpToDate", "False", reason: "RolloutStuck");
        var during = await Members.ReadPodsAsync();
        Assert.Single(during.Select(pod => pod.Metadata.Uid).Except(before.Select(pod => pod.Metadata.Uid)));
        await Lab.PatchAsync($$"""{ "postgres": { "image": "{{StorePrograms.PostgresImage}}-2" } }""");
        await UntilWholeAsync();

        var acknowledged = await writer.StopAsync();
        Assert.NotEmpty(acknowledged);
        Assert.Empty(await writer.FindLostAsync());
        Tell($"{acknowledged.Count} links acknowledged; longest time without one: switchover {planned}, rollout {rolled}");
    }

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
        await Eventually.HoldsAsync(
            async () => (await Members.ReadSyncAsync()).Contains("eu-postgres-4"),
            () => "the fifth member is synchronous",
            RolloutLimit
        );
        await Members.RequestSwitchoverAsync("eu-postgres-4", timeline);
        await UntilRequestIsAsync(SwitchoverState.Done);
        await UntilServeAsync(5);

        await Lab.PatchAsync("""{ "postgres": { "instances": 3 } }""");
        await UntilServeAsync(3);
        Assert.Equal(["eu-postgres-0", "eu-postgres-1", "eu-postgres-2"], (await Members.ReadPodsAsync()).Select(pod => pod.Metadata.Name).Order());
        Assert.NotEqual("eu-postgres-4", await Members.ReadLockAsync());
        Assert.DoesNotContain("eu-postgres-4", await Members.ReadSyncAsync());
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

    // By the annotation, which works once.
    private async Task<TimeSpan> SwitchOverAsync(LinkWriter writer)
    {
        var (primary, timeline) = await ReadPrimaryAsync();
        await Members.RequestSwitchoverAsync("no-such-member", timeline);
        await UntilRequestIsAsync(SwitchoverState.Refused);
        var began = Stopwatch.GetTimestamp();
        await Members.RequestSwitchoverAsync("any", timeline);
        await UntilRequestIsAsync(SwitchoverState.Done);
        await UntilWholeAsync();
        var outage = writer.LongestGapSince(began);
        var last = (await Lab.ReadAsync()).Status!.Postgres!.LastFailover!;
        Assert.Equal((primary, "Planned"), (last.From, last.Cause));
        Tell($"primary moved from {primary} to {last.To}: {outage} without a created link; the operator tells {last.DurationMillis} ms");
        return outage;
    }

    private async Task UntilServeAsync(int members)
    {
        await UntilAsync("PostgresUpToDate", "True");
        await UntilAsync("PostgresDegraded", "False");
        await UntilAsync("SyncReplicationHealthy", "True");
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadAsync()).Status?.Postgres is { Primary: not null, ReadyInstances: { } ready } && ready == members,
            () => $"{members} members serve",
            RolloutLimit
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
            () => "all pods have ended",
            RolloutLimit
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

    private async Task<TimeSpan> RollOutAsync(LinkWriter writer, string patch)
    {
        var before = await Members.ReadPodsAsync();
        var began = Stopwatch.GetTimestamp();
        await Lab.PatchAsync(patch);
        await UntilWholeAsync();
        var outage = writer.LongestGapSince(began);
        Assert.Empty((await Members.ReadPodsAsync()).Select(pod => pod.Metadata.Uid).Intersect(before.Select(pod => pod.Metadata.Uid)));
        Tell($"rolled out in {Stopwatch.GetElapsedTime(began)}: {outage} without a created link");
        return outage;
    }

    private async Task UntilWholeAsync()
    {
        await UntilAsync("PostgresUpToDate", "True");
        await Members.UntilWholeAsync();
    }

    private async Task UntilAsync(string type, string status)
    {
        V1Condition? found = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                var region = await Lab.ReadAsync();
                found = region.Status?.Conditions?.FirstOrDefault(condition => condition.Type == type);
                return found?.Status == status && found.ObservedGeneration == region.Metadata.Generation;
            },
            () => $"{type} is {status}; it is {found?.Status}, {found?.Reason}: {found?.Message}",
            RolloutLimit
        );
    }

    private Task UntilRequestIsAsync(string state)
    {
        PostgresSwitchoverStatus? request = null;
        return Eventually.HoldsAsync(
            async () => (request = (await Lab.ReadAsync()).Status?.Postgres?.Switchover)?.State == state,
            () => $"the request is {state}; it is {request}",
            TimeSpan.FromSeconds(60)
        );
    }

    private async Task<(string Primary, int Timeline)> ReadPrimaryAsync() =>
        (await Lab.ReadAsync()).Status!.Postgres is { Primary: { } primary, Timeline: { } timeline }
            ? (primary, timeline)
            : throw new InvalidOperationException();

    // Of each member.
    private async Task<IReadOnlyList<string>> ReadParametersAsync(params string[] names)
    {
        var secret = await Lab.Client.CoreV1.ReadNamespacedSecretAsync("eu-postgres-tls", Lab.Namespace, cancellationToken: Token);
        using var connections = new MemberConnections(CertificateData.Parse(secret)!, PostgresNames.ServiceHostOf(await Lab.ReadAsync()));
        var values = new List<string>();
        foreach (var pod in await Members.ReadPodsAsync())
        {
            await using var source = MemberDatabase.Build(pod, connections);
            await using var command = source.CreateCommand($"SELECT {string.Join(" || ' ' || ", names.Select(name => $"current_setting('{name}')"))}");
            values.Add((string)(await command.ExecuteScalarAsync(Token))!);
        }

        return values;
    }

    private static void Tell(string text) => TestContext.Current.TestOutputHelper?.WriteLine(text);
}
