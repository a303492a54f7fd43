using k8s;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Resources;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.KeyPools;

/// <summary>Pools with the real key generation service in their pods.</summary>
public sealed class PoolTests(ApiServerFixture apiServer, StoresFixture stores) : PoolTest(apiServer, stores)
{
    [Fact]
    public async Task Pool_Drained_IsRefilledAndSaysSo()
    {
        await StartAsync();
        await Pool.SlowDownAsync(seconds: 2);

        // The service counts right after a batch: what is left here and the 500 of a batch are below the watermark too.
        await DrainUntilAsync(1_200, ConditionTypes.LowWatermark);
        await DrainUntilAsync(400, ConditionTypes.Critical);
        await Pool.UntilAsync(pool => pool.Status?.Kgs?.DesiredReplicas == 2, "a worker is added");
        await Pool.MendAsync();
        await Pool.BreakAsync();
        await DrainUntilAsync(0, ConditionTypes.Exhausted);

        await Pool.MendAsync();
        await Pool.UntilAsync("False", ConditionTypes.LowWatermark, ConditionTypes.Critical, ConditionTypes.Exhausted);
        var filled = await Pool.UntilAsync(pool => PoolLab.Has(pool, ConditionTypes.Ready, "True") && pool.Status?.Available >= 2_800, "the pool is full again");
        // The app may have taken some meanwhile.
        Assert.True(await Pool.CountAsync() >= 2_000);
        Assert.Equal(1, filled.Status?.Epoch);
        await Eventually.HoldsAsync(
            async () => await Pool.EventsAsync() is var events
                && new[] { Reasons.BelowLowWatermark, Reasons.BelowCriticalWatermark, Reasons.PoolEmpty, "LowWatermarkOver", "CriticalOver", "ExhaustedOver" }.All(events.Contains),
            "each flip is told");
    }

    [Fact]
    public async Task Generator_Fails_IsToldAndClears()
    {
        await StartAsync();
        await Pool.BreakAsync();

        await Pool.UntilAsync(pool => PoolLab.Has(pool, ConditionTypes.GeneratorHealthy, "False", Reasons.GeneratorFailing), "the failure is told", meanwhile: () => Pool.DrainAsync(1_500));
        var failing = await Pool.UntilAsync(pool => pool.Status?.Refill?.LastError is not null, "the error is told");
        Assert.Equal("Failing", failing.Status?.Refill?.State);

        await Pool.MendAsync();
        var mended = await Pool.UntilAsync("True", ConditionTypes.GeneratorHealthy, ConditionTypes.Ready);
        Assert.Null(mended.Status?.Refill?.LastError);
    }

    [Fact]
    public async Task Target_Scaled_IsFilledAndEpochIsOpened()
    {
        await StartAsync();

        await Pool.ScaleAsync(6_000);
        await Pool.UntilAsync(pool => pool.Status?.Available >= 5_700 && PoolLab.Has(pool, ConditionTypes.Ready, "True"), "the pool has more codes");

        await Pool.PatchAsync($$"""{ "metadata": { "annotations": { "{{Labels.OpenEpoch}}": "3" } } }""");
        await Pool.UntilAsync(pool => pool.Status?.Epoch == 3, "epoch 3 is in force");
        await Eventually.HoldsAsync(async () => await Pool.CountAsync(1) == 0 && await Pool.CountAsync(3) >= 5_700, () => "the codes are those of epoch 3", TimeSpan.FromSeconds(60));
        await Eventually.HoldsAsync(async () => (await Pool.EventsAsync()).Contains("EpochOpened"), "the opening is told");

        // Nobody answered the operator: as when its own command was carried out and the answer lost.
        await Pool.OpenEpochAsync(4);
        await Eventually.HoldsAsync(async () => (await Pool.NotesAsync()).Any(note => note.StartsWith("Epoch 4 is open", StringComparison.Ordinal)), () => "that opening is told, too", TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Token_Deleted_IsMadeAgainAndWorkersKnowIt()
    {
        await StartAsync(maxReplicas: 1);
        var client = Pool.Lab.Client;
        var before = await client.CoreV1.ReadNamespacedSecretAsync("keys-kgs-token", Pool.Lab.Namespace, cancellationToken: Token);
        var worker = Assert.Single(await Pool.WorkersAsync());
        Assert.True(before.Data["token"].Length >= 48);

        await client.CoreV1.DeleteNamespacedSecretAsync("keys-kgs-token", Pool.Lab.Namespace, cancellationToken: Token);

        await Eventually.HoldsAsync(
            async () => await Pool.WorkersAsync() is [{ } next] && next.Metadata.Uid != worker.Metadata.Uid, () => "another worker replaces the old one", TimeSpan.FromSeconds(60));
        await Pool.UntilAsync("True", ConditionTypes.Ready, ConditionTypes.GeneratorHealthy);
        await Pool.UntilAsync("False", ConditionTypes.Reconciling);
        var after = await client.CoreV1.ReadNamespacedSecretAsync("keys-kgs-token", Pool.Lab.Namespace, cancellationToken: Token);
        Assert.NotEqual(before.Data["token"], after.Data["token"]);

        var rolled = Assert.Single(await Pool.WorkersAsync());
        await Pool.Lab.Kubelet.KillPodAsync(Pool.Lab.Namespace, rolled.Metadata.Name);
        await Eventually.HoldsAsync(
            async () => (await Pool.WorkersAsync()) is [{ } pod] && pod.Status.ContainerStatuses is [{ Ready: true, RestartCount: > 0 }], () => "the worker is back", TimeSpan.FromSeconds(60));
        await Pool.UntilAsync("True", ConditionTypes.Ready, ConditionTypes.GeneratorHealthy);
    }

    [Fact]
    public async Task Pool_SuspendedDoubledAndDeleted_DoesAsTold()
    {
        await StartAsync(maxReplicas: 1);
        var client = Pool.Lab.Client;
        await client.CreateAsync(Pool.Pool("second"));
        await Pool.UntilAsync(pool => PoolLab.Has(pool, ConditionTypes.Stalled, "True", Reasons.PoolConflict), "the second pool is refused", "second");
        Assert.DoesNotContain((await client.AppsV1.ListNamespacedDeploymentAsync(Pool.Lab.Namespace, cancellationToken: Token)).Items, one => one.Metadata.Name == "second-kgs");

        await Pool.PatchAsync("""{ "spec": { "suspend": true, "kgs": { "minReplicas": 2, "maxReplicas": 2 } } }""");
        await Pool.UntilAsync("True", ConditionTypes.Suspended);
        var deployment = await client.AppsV1.ReadNamespacedDeploymentAsync("keys-kgs", Pool.Lab.Namespace, cancellationToken: Token);
        Assert.Equal(1, deployment.Spec.Replicas);
        await Pool.PatchAsync("""{ "spec": { "suspend": false } }""");
        await Pool.UntilAsync("False", ConditionTypes.Suspended);
        await Pool.UntilAsync(pool => pool.Status?.Kgs?.ReadyReplicas == 2, "two workers serve");

        await client.CustomObjects.DeleteNamespacedCustomObjectAsync("urlshortener.dev", "v1alpha1", Pool.Lab.Namespace, "keypools", "keys", cancellationToken: Token);

        await Eventually.HoldsAsync(async () => await LeftAsync() == 0, () => "all of the pool is gone", TimeSpan.FromSeconds(90));
        await Pool.UntilAsync(pool => PoolLab.Has(pool, ConditionTypes.Stalled, "False"), "the second pool takes its place", "second");
    }

    [Fact]
    public async Task Operator_Restarted_WritesNothingButWhatIsMissing()
    {
        await StartAsync();
        var (lab, client) = (Pool.Lab, Pool.Lab.Client);
        await Pool.UntilAsync("False", ConditionTypes.Reconciling);
        await lab.Operator.StopAsync();
        await client.NetworkingV1.DeleteNamespacedNetworkPolicyAsync("keys-kgs", lab.Namespace, cancellationToken: Token);
        var restarted = TimeProvider.System.GetUtcNow();
        await lab.StartOperatorAsync();

        await Eventually.HoldsAsync(
            async () => (await client.NetworkingV1.ListNamespacedNetworkPolicyAsync(lab.Namespace, cancellationToken: Token)).Items.Any(policy => policy.Metadata.Name == "keys-kgs"), "the NetworkPolicy is back");
        // A change that shows in the status alone: when it does, whatever came before it is done.
        await Pool.PatchAsync("""{ "spec": { "suspend": true } }""");
        await Pool.UntilAsync("True", ConditionTypes.Suspended);

        Assert.All(
            await lab.ReadWritesAsync(restarted),
            entry => Assert.True(entry.Subresource == "status" || entry.Resource == "networkpolicies", $"{entry.Verb} {entry.RequestUri}"));
    }

    private async Task StartAsync(int maxReplicas = 2)
    {
        await StartLabAsync();
        await Pool.Lab.Client.CreateAsync(Pool.Pool(patch: $$"""{ "kgs": { "maxReplicas": {{maxReplicas}} } }"""));
        await Pool.UntilAsync(pool => PoolLab.Has(pool, ConditionTypes.Ready, "True") && pool.Status is { Refill.FilledTo: 3_000, Kgs.ReadyReplicas: >= 1 }, "the pool is ready and full");
    }

    private async Task DrainUntilAsync(long left, string condition) =>
        await Pool.UntilAsync(pool => PoolLab.Has(pool, condition, "True"), $"{condition} is true", meanwhile: () => Pool.DrainAsync(left));

    private async Task<int> LeftAsync()
    {
        var (client, space) = (Pool.Lab.Client, Pool.Lab.Namespace);
        var deployments = await client.AppsV1.ListNamespacedDeploymentAsync(space, cancellationToken: Token);
        var services = await client.CoreV1.ListNamespacedServiceAsync(space, cancellationToken: Token);
        var secrets = await client.CoreV1.ListNamespacedSecretAsync(space, cancellationToken: Token);
        var policies = await client.NetworkingV1.ListNamespacedNetworkPolicyAsync(space, cancellationToken: Token);
        var pods = await client.CoreV1.ListNamespacedPodAsync(space, labelSelector: "app.kubernetes.io/instance=keys", cancellationToken: Token);
        return new[] { deployments.Items.Select(one => one.Metadata), services.Items.Select(one => one.Metadata), secrets.Items.Select(one => one.Metadata), policies.Items.Select(one => one.Metadata) }
            .SelectMany(one => one).Count(metadata => metadata.Name.StartsWith("keys-kgs", StringComparison.Ordinal)) + pods.Items.Count;
    }
}
