using k8s;
using UrlShortener.Operator.Redis.Cluster;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>Changes of a running Redis: of its specification, of its objects and of the operator.</summary>
public sealed class RedisChangeTests(ApiServerFixture apiServer)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Operator_StartedAgain_WritesNothingAndRestartsNothing()
    {
        await using var lab = await RedisLab.StartAsync(apiServer, hasOperator: false);
        var first = await lab.StartOperatorAsync();
        await lab.CreateAsync(nodeTimeoutMillis: RedisLab.PatientMillis);
        await lab.UntilReadyAsync();
        await Eventually.HoldsAsync(
            async () => (await lab.ReadPodsAsync()).All(pod => pod.Status.ContainerStatuses[0].Ready),
            () => "all pods are ready",
            TimeSpan.FromSeconds(120)
        );
        // Settings that it may change while nodes run need no pod.
        await lab.PatchAsync("""{ "nodeTimeoutMillis": 6000 }""");
        await Eventually.HoldsAsync(
            async () => (await lab.AskAsync()).Values.All(view => view.Settings.GetValueOrDefault("cluster-node-timeout") == "6000"),
            () => "all nodes have the new timeout",
            TimeSpan.FromSeconds(120)
        );
        await lab.UntilAsync(
            region =>
                region.Status?.Redis?.State == "Ready"
                && region.Status.Conditions!.Any(condition => condition.Type == "RedisReady" && condition.ObservedGeneration == region.Metadata.Generation),
            "the status is that of the new specification"
        );
        var pods = (await lab.ReadPodsAsync()).Select(pod => (pod.Metadata.Uid, pod.Status.ContainerStatuses[0].RestartCount)).ToHashSet();
        await first.StopAsync();
        var since = TimeProvider.System.GetUtcNow();

        await lab.StartOperatorAsync();
        // What it repairs shows that it has looked at everything.
        await lab.Client.PolicyV1.DeleteNamespacedPodDisruptionBudgetAsync("eu-redis-0", lab.Namespace, cancellationToken: Token);
        await Eventually.HoldsAsync(
            async () => (await lab.Client.PolicyV1.ListNamespacedPodDisruptionBudgetAsync(lab.Namespace, cancellationToken: Token)).Items.Count == 3,
            () => "the disruption budget is there again",
            TimeSpan.FromSeconds(120)
        );

        var writes = (await lab.ReadWritesAsync(since)).Where(entry => !IsOfTheApp(entry)).ToList();
        Assert.Equal("poddisruptionbudgets", Assert.Single(writes).Resource);
        Assert.Equal(pods, (await lab.ReadPodsAsync()).Select(pod => (pod.Metadata.Uid, pod.Status.ContainerStatuses[0].RestartCount)).ToHashSet());

        await Image_Changed_ReplacesPodAfterPodAndKeepsTheData(lab);
    }

    private static async Task Image_Changed_ReplacesPodAfterPodAndKeepsTheData(RedisLab lab)
    {
        var key = await lab.FindKeyAsync(await lab.FindMasterAsync(0), SlotRange.Of(0, 3));
        await lab.SetAsync(0, key, "kept");
        await using var loop = await SetLoop.StartAsync(lab, shard: 1);
        await loop.AwaitWritesAsync(5);
        loop.Reset();

        await lab.PatchAsync($$"""{ "image": "{{RedisLab.NewImage}}", "maxMemory": "80Mi" }""");

        await Eventually.HoldsAsync(
            async () =>
            {
                var pods = await lab.ReadPodsAsync();
                return pods.Count == 6 && pods.All(pod => pod.Spec.Containers[0].Image == RedisLab.NewImage);
            },
            () => "all pods have the new image",
            TimeSpan.FromSeconds(120)
        );
        await lab.UntilReadyAsync();
        Assert.Equal("kept", await lab.GetAsync(0, key));
        Assert.True(loop.Longest < loop.Allow(TimeSpan.FromSeconds(30)), $"the update stopped writes for {loop.Longest}");
        var expected = (80 * 1024 * 1024).ToString(System.Globalization.CultureInfo.InvariantCulture);
        await Eventually.HoldsAsync(
            async () => (await lab.AskAsync()).Values.All(view => view.Settings.GetValueOrDefault("maxmemory") == expected),
            () => "all nodes have the new limit",
            TimeSpan.FromSeconds(120)
        );
    }

    // The app lacks its Secret, which its own controller tells.
    private static bool IsOfTheApp(TestServers.Kubernetes.AuditEvent entry) =>
        entry.RequestUri.Contains("/status", StringComparison.Ordinal) && entry.RequestUri.Contains("operator-status", StringComparison.Ordinal);
}
