using k8s;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.KeyPools;

/// <summary>Pools with the real key generation service in their pods.</summary>
public sealed class PoolTests(ApiServerFixture apiServer, StoresFixture stores) : PoolTest(apiServer, stores)
{
    [Fact]
    public async Task Pool_WithTwoWorkers_OutlivesItsOperatorAndItsGenerator()
    {
        await StartAsync();
        await Operator_Restarted_WritesNothingButWhatIsMissing();
        await Pool.PatchAsync("""{ "spec": { "suspend": false } }""");
        await Pool.UntilAsync("False", ConditionTypes.Suspended);
        await Generator_Fails_IsToldAndClears();
    }

    [Fact]
    public async Task Pool_WithOneWorker_IsChangedAndDeleted()
    {
        await StartAsync(maxReplicas: 1);
        await Token_Deleted_IsMadeAgainAndWorkersKnowIt();
        await Pool_SuspendedDoubledAndDeleted_DoesAsTold();
    }

    private async Task Operator_Restarted_WritesNothingButWhatIsMissing()
    {
        var (lab, client) = (Pool.Lab, Pool.Lab.Client);
        await Pool.UntilAsync("False", ConditionTypes.Reconciling);
        await lab.Operator.StopAsync();
        await client.NetworkingV1.DeleteNamespacedNetworkPolicyAsync("keys-kgs", lab.Namespace, cancellationToken: Token);
        var restarted = TimeProvider.System.GetUtcNow();
        await lab.StartOperatorAsync();

        await Eventually.HoldsAsync(
            async () =>
                (await client.NetworkingV1.ListNamespacedNetworkPolicyAsync(lab.Namespace, cancellationToken: Token)).Items.Any(policy =>
                    policy.Metadata.Name == "keys-kgs"
                ),
            "the NetworkPolicy is back"
        );
        // A change that shows in the status alone: when it does, whatever came before it is done.
        await Pool.PatchAsync("""{ "spec": { "suspend": true } }""");
        await Pool.UntilAsync("True", ConditionTypes.Suspended);

        Assert.All(
            await lab.ReadWritesAsync(restarted),
            entry => Assert.True(entry.Subresource == "status" || entry.Resource == "networkpolicies", $"{entry.Verb} {entry.RequestUri}")
        );
    }

    private async Task Generator_Fails_IsToldAndClears()
    {
        await Pool.BreakAsync();

        await Pool.UntilAsync(
            pool => PoolLab.Has(pool, ConditionTypes.GeneratorHealthy, "False", Reasons.GeneratorFailing),
            "the failure is told",
            meanwhile: () => Pool.DrainAsync(1_500)
        );
        await Pool.UntilAsync(pool => pool.Status?.Refill is { LastError: not null, State: "Failing" }, "the error is told");

        await Pool.MendAsync();
        var mended = await Pool.UntilAsync("True", ConditionTypes.GeneratorHealthy, ConditionTypes.Ready);
        Assert.Null(mended.Status?.Refill?.LastError);
    }

    private async Task Token_Deleted_IsMadeAgainAndWorkersKnowIt()
    {
        var client = Pool.Lab.Client;
        var before = await client.CoreV1.ReadNamespacedSecretAsync("keys-kgs-token", Pool.Lab.Namespace, cancellationToken: Token);
        var worker = Assert.Single(await Pool.WorkersAsync());
        Assert.True(before.Data["token"].Length >= 48);

        await client.CoreV1.DeleteNamespacedSecretAsync("keys-kgs-token", Pool.Lab.Namespace, cancellationToken: Token);

        await Eventually.HoldsAsync(
            async () => await Pool.WorkersAsync() is [{ } next] && next.Metadata.Uid != worker.Metadata.Uid,
            () => "another worker replaces the old one"
        );
        await Pool.UntilAsync("True", ConditionTypes.Ready, ConditionTypes.GeneratorHealthy);
        await Pool.UntilAsync("False", ConditionTypes.Reconciling);
        var after = await client.CoreV1.ReadNamespacedSecretAsync("keys-kgs-token", Pool.Lab.Namespace, cancellationToken: Token);
        Assert.NotEqual(before.Data["token"], after.Data["token"]);

        var rolled = Assert.Single(await Pool.WorkersAsync());
        await Pool.Lab.Kubelet.KillPodAsync(Pool.Lab.Namespace, rolled.Metadata.Name);
        await Eventually.HoldsAsync(
            async () => (await Pool.WorkersAsync()) is [{ } pod] && pod.Status.ContainerStatuses is [{ Ready: true, RestartCount: > 0 }],
            () => "the worker is back"
        );
        await Pool.UntilAsync("True", ConditionTypes.Ready, ConditionTypes.GeneratorHealthy);
    }

    private async Task Pool_SuspendedDoubledAndDeleted_DoesAsTold()
    {
        var client = Pool.Lab.Client;
        await client.CreateAsync(Pool.Pool("second"));
        await Pool.UntilAsync(pool => PoolLab.Has(pool, ConditionTypes.Stalled, "True", Reasons.PoolConflict), "the second pool is refused", "second");
        Assert.DoesNotContain(
            (await client.AppsV1.ListNamespacedDeploymentAsync(Pool.Lab.Namespace, cancellationToken: Token)).Items,
            one => one.Metadata.Name == "second-kgs"
        );

        await Pool.PatchAsync("""{ "spec": { "suspend": true, "kgs": { "minReplicas": 2, "maxReplicas": 2 } } }""");
        await Pool.UntilAsync("True", ConditionTypes.Suspended);
        var deployment = await client.AppsV1.ReadNamespacedDeploymentAsync("keys-kgs", Pool.Lab.Namespace, cancellationToken: Token);
        Assert.Equal(1, deployment.Spec.Replicas);
        await Pool.PatchAsync("""{ "spec": { "suspend": false } }""");
        await Pool.UntilAsync("False", ConditionTypes.Suspended);
        await Pool.UntilAsync(pool => pool.Status?.Kgs?.ReadyReplicas == 2, "two workers serve");

        await client.CustomObjects.DeleteNamespacedCustomObjectAsync(
            "urlshortener.dev",
            "v1alpha1",
            Pool.Lab.Namespace,
            "keypools",
            "keys",
            cancellationToken: Token
        );

        await Eventually.HoldsAsync(async () => await LeftAsync() == 0, () => "all of the pool is gone");
        await Pool.UntilAsync(pool => PoolLab.Has(pool, ConditionTypes.Stalled, "False"), "the second pool takes its place", "second");
    }

    private async Task<int> LeftAsync()
    {
        var (client, space) = (Pool.Lab.Client, Pool.Lab.Namespace);
        var deployments = await client.AppsV1.ListNamespacedDeploymentAsync(space, cancellationToken: Token);
        var services = await client.CoreV1.ListNamespacedServiceAsync(space, cancellationToken: Token);
        var secrets = await client.CoreV1.ListNamespacedSecretAsync(space, cancellationToken: Token);
        var policies = await client.NetworkingV1.ListNamespacedNetworkPolicyAsync(space, cancellationToken: Token);
        var pods = await client.CoreV1.ListNamespacedPodAsync(space, labelSelector: "app.kubernetes.io/instance=keys", cancellationToken: Token);
        return new[]
            {
                deployments.Items.Select(one => one.Metadata),
                services.Items.Select(one => one.Metadata),
                secrets.Items.Select(one => one.Metadata),
                policies.Items.Select(one => one.Metadata),
            }
                .SelectMany(one => one)
                .Count(metadata => metadata.Name.StartsWith("keys-kgs", StringComparison.Ordinal)) + pods.Items.Count;
    }
}
