using k8s;
using k8s.Models;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Redis.Cluster;
using UrlShortener.Operator.Tests.Regions;
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

        var second = await lab.StartOperatorAsync();
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

        var keys = new Dictionary<int, string>();
        for (var shard = 0; shard < 3; shard++)
        {
            var master = await lab.FindMasterAsync(shard);
            keys[shard] = await lab.FindKeyAsync(master, SlotRange.Of(shard, 3));
            Assert.True((await lab.SendAsync(master, "SET", keys[shard], "kept")).Succeeded);
        }

        await Objects_ChangedByHand_AreRestored(lab, keys);
        var third = await Secrets_LostWhileNoOperatorRuns_NodesGetTheNewPassword(lab, second, keys);
        await Secret_EditedOrDeletedWhileNoOperatorRuns_LocksNobodyOut(lab, third, keys);
        await Nodes_ChangedByHand_GetTheirPasswordAndTheirRightsBack(lab, keys);
        await Image_Changed_ReplacesPodAfterPodAndKeepsTheData(lab);
    }

    private static async Task Objects_ChangedByHand_AreRestored(RedisLab lab, Dictionary<int, string> keys)
    {
        var (core, apps) = (lab.Client.CoreV1, lab.Client.AppsV1);
        var processes = await ReadProcessesAsync(lab);

        // Objects beside the pods.
        var config = await core.ReadNamespacedConfigMapAsync("eu-redis", lab.Namespace, cancellationToken: Token);
        var file = config.Data["redis.conf"];
        config.Data["redis.conf"] = "appendonly no\n";
        config.Metadata.OwnerReferences = null;
        await core.ReplaceNamespacedConfigMapAsync(config, "eu-redis", lab.Namespace, cancellationToken: Token);
        await core.PatchNamespacedServiceAsync(
            Patch("""{ "spec": { "selector": { "app": "other" } } }"""),
            "eu-redis",
            lab.Namespace,
            cancellationToken: Token
        );
        await core.PatchNamespacedSecretAsync(
            Patch("""{ "metadata": { "labels": { "app.kubernetes.io/managed-by": null } } }"""),
            "eu-redis-auth",
            lab.Namespace,
            cancellationToken: Token
        );
        await lab.Client.NetworkingV1.DeleteNamespacedNetworkPolicyAsync("eu-redis", lab.Namespace, cancellationToken: Token);
        // Its pods stay, and belong to nothing.
        var shard = await apps.ReadNamespacedStatefulSetAsync("eu-redis-0", lab.Namespace, cancellationToken: Token);
        await apps.DeleteNamespacedStatefulSetAsync("eu-redis-0", lab.Namespace, propagationPolicy: "Orphan", cancellationToken: Token);
        // The StatefulSet lets go of it, and cannot make another one with the same name.
        var master = await lab.FindMasterAsync(1);
        await core.PatchNamespacedPodAsync(
            Patch(
                """{ "metadata": { "labels": { "app.kubernetes.io/managed-by": null, "app.kubernetes.io/instance": null, "urlshortener.dev/shard": "7" } } }"""
            ),
            master,
            lab.Namespace,
            cancellationToken: Token
        );

        await UntilAsync(
            async () =>
                (await apps.ListNamespacedStatefulSetAsync(lab.Namespace, cancellationToken: Token)).Items.Any(set =>
                    set.Metadata.Name == "eu-redis-0" && set.Metadata.Uid != shard.Metadata.Uid
                ),
            "the StatefulSet is there again"
        );
        await UntilAsync(
            async () =>
            {
                var sets = (await apps.ListNamespacedStatefulSetAsync(lab.Namespace, cancellationToken: Token))
                    .Items.Select(set => set.Metadata.Uid)
                    .ToHashSet();
                return (await lab.ReadPodsAsync()).Count(pod => pod.Metadata.OwnerReferences?.Any(owner => sets.Contains(owner.Uid)) == true) == 6;
            },
            "all pods belong to their StatefulSets"
        );
        await UntilAsync(
            async () =>
                (await core.ReadNamespacedConfigMapAsync("eu-redis", lab.Namespace, cancellationToken: Token)) is { Metadata.OwnerReferences.Count: 1 } map
                && map.Data["redis.conf"] == file,
            "the ConfigMap is as it was"
        );
        await UntilAsync(
            async () => !(await core.ReadNamespacedServiceAsync("eu-redis", lab.Namespace, cancellationToken: Token)).Spec.Selector.ContainsKey("app"),
            "the Service is as it was"
        );
        await UntilAsync(
            async () =>
                (await core.ReadNamespacedSecretAsync("eu-redis-auth", lab.Namespace, cancellationToken: Token)).Metadata.Labels.ContainsKey(
                    "app.kubernetes.io/managed-by"
                ),
            "the Secret has its label"
        );
        await UntilAsync(
            async () =>
                (await lab.Client.NetworkingV1.ListNamespacedNetworkPolicyAsync(lab.Namespace, cancellationToken: Token)).Items.Any(policy =>
                    policy.Metadata.Name == "eu-redis"
                ),
            "the NetworkPolicy is there again"
        );
        Assert.Equal(processes, await ReadProcessesAsync(lab));
        Assert.DoesNotContain(
            (await core.ListNamespacedEventAsync(lab.Namespace, cancellationToken: Token)).Items,
            one => one.Reason.StartsWith("Redis", StringComparison.Ordinal) && one.Message.Contains("does not exist", StringComparison.Ordinal)
        );

        // Its pods end and come back with their data.
        var former = (await lab.ReadPodsAsync()).Select(pod => pod.Metadata.Uid).ToHashSet();
        await apps.PatchNamespacedStatefulSetScaleAsync(Patch("""{ "spec": { "replicas": 0 } }"""), "eu-redis-2", lab.Namespace, cancellationToken: Token);
        await UntilAsync(
            async () =>
                await apps.ReadNamespacedStatefulSetAsync("eu-redis-2", lab.Namespace, cancellationToken: Token) is { Spec.Replicas: 2 } set
                && set.Status.ObservedGeneration == set.Metadata.Generation,
            "the StatefulSet asks for its pods again"
        );
        await UntilAsync(
            async () => (await lab.ReadPodsAsync()).Count(pod => pod is { Metadata.DeletionTimestamp: null, Status.ContainerStatuses: [{ Ready: true }] }) == 6,
            "all pods are there again"
        );
        await UntilKeptAsync(lab, keys);
        await lab.UntilReadyAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{(await lab.ReadPodsAsync()).Count(pod => !former.Contains(pod.Metadata.Uid))} pods were replaced while the StatefulSet asked for none"
        );
    }

    private static async Task<TestOperator> Secrets_LostWhileNoOperatorRuns_NodesGetTheNewPassword(
        RedisLab lab,
        TestOperator running,
        Dictionary<int, string> keys
    )
    {
        var core = lab.Client.CoreV1;
        var processes = await ReadProcessesAsync(lab);
        var former = (await lab.ReloadAccessAsync()).Password!;
        await running.StopAsync();
        await core.DeleteNamespacedSecretAsync("eu-redis-auth", lab.Namespace, cancellationToken: Token);
        await core.PatchNamespacedSecretAsync(Patch("""{ "data": null }"""), "eu-redis-connection", lab.Namespace, cancellationToken: Token);

        var started = await lab.StartOperatorAsync();

        await UntilAsync(() => HasAuthAsync(lab), "the Secret is there again");
        var current = (await lab.ReloadAccessAsync()).Password!;
        Assert.NotEqual(former, current);
        await UntilOnlyAsync(lab, current);
        await UntilKeptAsync(lab, keys);
        Assert.Equal(processes, await ReadProcessesAsync(lab));
        await UntilEventAsync(
            lab,
            one => one.Message?.Contains("refuses the password in Secret eu-redis-auth", StringComparison.Ordinal) == true,
            "an event tells that the password was refused"
        );
        return started;
    }

    private static async Task Secret_EditedOrDeletedWhileNoOperatorRuns_LocksNobodyOut(RedisLab lab, TestOperator running, Dictionary<int, string> keys)
    {
        const string Edited = "edited-by-hand";
        var (core, hash) = (lab.Client.CoreV1, RedisPasswords.HashOf(Edited));
        await running.StopAsync();
        await core.PatchNamespacedSecretAsync(
            new V1Patch(
                new V1Secret { StringData = new Dictionary<string, string> { ["auth.conf"] = $"requirepass {Edited}\nmasterauth {Edited}\n" } },
                V1Patch.PatchType.MergePatch
            ),
            "eu-redis-auth",
            lab.Namespace,
            cancellationToken: Token
        );
        await UntilAsync(async () => (await lab.AskPasswordsAsync()).Count(says => says?.File == hash) == 6, "all pods have the other password");
        await lab.ReloadAccessAsync();
        // It starts again with that one alone, which no other node uses for its links.
        await lab.Kubelet.KillPodAsync(lab.Namespace, await lab.FindMasterAsync(2));
        await UntilAsync(
            async () =>
                await lab.AskPasswordsAsync() is var nodes && nodes.All(says => says is not null) && nodes.Count(says => says!.Accepted.SetEquals([hash])) == 1,
            "a node accepts the other password only"
        );
        var since = TimeProvider.System.GetUtcNow().AddSeconds(-1);

        running = await lab.StartOperatorAsync();

        await UntilOnlyAsync(lab, Edited);
        await UntilKeptAsync(lab, keys);
        await UntilAsync(
            async () =>
                (await core.ReadNamespacedSecretAsync("eu-redis-connection", lab.Namespace, cancellationToken: Token)) is var connection
                && System.Text.Encoding.UTF8.GetString(connection.Data["connectionString"]).Contains($"password={Edited},", StringComparison.Ordinal),
            "the app gets it"
        );
        await UntilEventAsync(lab, one => one.Reason == "PasswordChanged", "an event tells of the change");
        await UntilEventAsync(
            lab,
            one => one.LastTimestamp >= since.UtcDateTime && one.Message.StartsWith("RedisPasswordCurrent is False", StringComparison.Ordinal),
            "an event tells that not all nodes had the password"
        );

        var processes = await ReadProcessesAsync(lab);
        await running.StopAsync();
        await core.DeleteNamespacedSecretAsync("eu-redis-auth", lab.Namespace, cancellationToken: Token);
        await lab.StartOperatorAsync();
        await UntilAsync(() => HasAuthAsync(lab), "the Secret is there again");
        Assert.Equal(Edited, (await lab.ReloadAccessAsync()).Password);
        await UntilOnlyAsync(lab, Edited);
        await UntilKeptAsync(lab, keys);
        Assert.Equal(processes, await ReadProcessesAsync(lab));
    }

    private static async Task Nodes_ChangedByHand_GetTheirPasswordAndTheirRightsBack(RedisLab lab, Dictionary<int, string> keys)
    {
        var (locked, last) = (await lab.FindMasterAsync(1), await lab.FindMasterAsync(2));
        string[] restricted = [await lab.FindMasterAsync(0), last.EndsWith('0') ? "eu-redis-2-1" : "eu-redis-2-0"];
        Assert.True((await lab.SendAsync(restricted[0], "ACL", "SETUSER", "default", "resetkeys")).Succeeded);
        Assert.True((await lab.SendAsync(restricted[1], "ACL", "SETUSER", "default", "-config")).Succeeded);
        Assert.True((await lab.SendAsync(locked, "CONFIG", "SET", "requirepass", "by-hand")).Succeeded);
        // All nodes are asked about their passwords when one has started.
        await lab.Kubelet.KillPodAsync(lab.Namespace, locked);

        await UntilOnlyAsync(lab, (await lab.AccessAsync()).Password!);
        await UntilKeptAsync(lab, keys);
        await UntilEventAsync(
            lab,
            one =>
                restricted.Any(pod => one.Message.Contains($"Somebody changed the password or the rights of the node in pod {pod}", StringComparison.Ordinal)),
            "an event names a node"
        );
    }

    private static async Task<bool> HasAuthAsync(RedisLab lab) =>
        (await lab.Client.CoreV1.ListNamespacedSecretAsync(lab.Namespace, cancellationToken: Token)).Items.Any(secret =>
            secret.Metadata.Name == "eu-redis-auth"
        );

    private static async Task UntilOnlyAsync(RedisLab lab, string password)
    {
        var hash = RedisPasswords.HashOf(password);
        await UntilAsync(
            async () =>
                (await lab.AskPasswordsAsync()).Count(says => says is { IsRestricted: false } && says.Accepted.SetEquals([hash]) && says.Link == hash) == 6,
            "all nodes accept only the password, and let it do everything"
        );
        await lab.UntilAsync(
            region =>
                region.Status?.Redis?.State == "Ready"
                && region.Status.Conditions!.Any(condition => condition is { Type: "RedisPasswordCurrent", Status: "True" }),
            "the status tells it"
        );
    }

    private static V1Patch Patch(string json) => new(json, V1Patch.PatchType.MergePatch);

    private static Task UntilAsync(Func<Task<bool>> isThereAsync, string what) => Eventually.HoldsAsync(isThereAsync, () => what, TimeSpan.FromSeconds(120));

    // Events are written after what they tell of.
    private static Task UntilEventAsync(RedisLab lab, Func<Corev1Event, bool> isIt, string what) =>
        UntilAsync(async () => (await lab.Client.CoreV1.ListNamespacedEventAsync(lab.Namespace, cancellationToken: Token)).Items.Any(isIt), what);

    private static async Task UntilKeptAsync(RedisLab lab, Dictionary<int, string> keys)
    {
        foreach (var (shard, key) in keys)
            await UntilAsync(async () => (await lab.SendAsync(await lab.FindMasterAsync(shard), "GET", key)).Text == "kept", $"shard {shard} has its data");
    }

    private static async Task<IReadOnlySet<(string, string)>> ReadProcessesAsync(RedisLab lab) =>
        (await lab.ReadPodsAsync()).Select(pod => (pod.Metadata.Uid, pod.Status.ContainerStatuses[0].ContainerID)).ToHashSet();

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
