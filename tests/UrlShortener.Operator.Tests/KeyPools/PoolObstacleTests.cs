using System.Text;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.KeyPools;

/// <summary>What keeps a pool from being made, how that is told, and that it ends.</summary>
public sealed class PoolObstacleTests(ApiServerFixture apiServer, StoresFixture stores) : PoolTest(apiServer, stores)
{
    [Fact]
    public async Task Pool_WithObstacles_SaysWhichAndIsMadeOnceTheyAreGone()
    {
        await StartLabAsync(hasRegion: false);
        var foreign = new V1Secret
        {
            Metadata = new V1ObjectMeta { Name = "keys-kgs-token" },
            Data = new Dictionary<string, byte[]> { ["token"] = Encoding.UTF8.GetBytes("of somebody else, and long enough for a token") },
        };
        await Lab.Client.CoreV1.CreateNamespacedSecretAsync(foreign, Lab.Namespace, cancellationToken: Token);
        await Lab.Client.CreateAsync(Pool.Pool());

        await AssertStalledAsync(Reasons.RegionNotFound, "ShortenerRegion eu");
        await Lab.Client.CreateAsync(Lab.Region(patch: """{ "app": { "minReplicas": 1 }, "connections": { "redisSecretRef": null } }"""));
        await AssertStalledAsync(Reasons.NotSupported, "spec.connections.redisSecretRef");
        await Lab.PatchAsync("""{ "connections": { "redisSecretRef": { "name": "later" } } }""");
        await AssertStalledAsync(Reasons.NameTaken, "Secret keys-kgs-token");
        await Lab.Client.CoreV1.DeleteNamespacedSecretAsync("keys-kgs-token", Lab.Namespace, cancellationToken: Token);
        await AssertStalledAsync(Reasons.SecretNotFound, "Secret later");
        Assert.DoesNotContain(
            (await Lab.Client.AppsV1.ListNamespacedDeploymentAsync(Lab.Namespace, cancellationToken: Token)).Items,
            one => one.Metadata.Name == "keys-kgs"
        );

        var redis = await Stores.GetRedisAsync();
        await Lab.CreateSecretAsync("later", redis.Configuration);
        await Pool.UntilAsync("True", ConditionTypes.Ready);
        await Pool.UntilAsync("False", ConditionTypes.Stalled);
        await Pool_WhoseRegionIsDeletedAndMadeAgain_StopsItsWorkersAndStartsThem();
    }

    private async Task Pool_WhoseRegionIsDeletedAndMadeAgain_StopsItsWorkersAndStartsThem()
    {
        await Lab.Client.CustomObjects.DeleteNamespacedCustomObjectAsync(
            ApiGroup.Name,
            ApiGroup.Version,
            Lab.Namespace,
            V1Alpha1ShortenerRegion.KubePlural,
            "eu",
            cancellationToken: Token
        );
        await AssertStalledAsync(Reasons.RegionNotFound, "ShortenerRegion eu");
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.Client.CoreV1.ListNamespacedPodAsync(Lab.Namespace, labelSelector: "app.kubernetes.io/component=kgs", cancellationToken: Token))
                    .Items
                    .Count == 0,
            () => "the workers have ended"
        );

        await Lab.Client.CreateAsync(Lab.Region(patch: """{ "app": { "minReplicas": 1 } }"""));
        await Pool.UntilAsync(pool => PoolLab.Has(pool, ConditionTypes.Ready, "True") && pool.Status is { Kgs.ReadyReplicas: >= 1 }, "the workers are back");
    }

    private async Task AssertStalledAsync(string reason, string word)
    {
        var pool = await Pool.UntilAsync(pool => PoolLab.Has(pool, ConditionTypes.Stalled, "True", reason), $"it is stalled for {reason}");
        var message = pool.Status!.Conditions!.Single(condition => condition.Type == ConditionTypes.Stalled).Message;
        Assert.Contains(word, message, StringComparison.Ordinal);
    }
}
