using k8s;
using k8s.Models;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Redis.Cluster;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>The Redis Cluster of a region survives the loss of its nodes. Real servers in pods of a real API server.</summary>
public sealed class RedisFailoverTests(ApiServerFixture apiServer)
{
    // Other tests have the processors too. `make redis-failovers` requires 5 s.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Masters_DeletedFrozenLostOrWithoutData_AreSucceeded()
    {
        await using var lab = await RedisLab.StartAsync(apiServer);
        await lab.CreateAsync();
        await lab.UntilReadyAsync();

        await Master_EndsInAnyWay_IsSucceeded(lab);
        await Master_MovedWhileTheStatusIsRefused_IsTold(lab);
        await TwoOfThreeMasters_GoneForLongWhileNothingIsApplied_AreSucceededWithoutAVote(lab);
        await Master_BackWithoutItsData_DoesNotEmptyItsReplica(lab, "appendonlydir");
        await Master_BackWithoutItsData_DoesNotEmptyItsReplica(lab, "appendonlydir", "nodes.conf");
    }

    // Without proof of a death. Another test kills masters, and deletes their pods by force.
    private static async Task Master_EndsInAnyWay_IsSucceeded(RedisLab lab)
    {
        await using var loop = await SetLoop.StartAsync(lab, shard: 1);
        await loop.AwaitWritesAsync(10);

        // kubectl delete pod: it hands over before it ends.
        loop.Reset();
        var deleted = await MasterAsync(lab, 1);
        await lab.Client.CoreV1.DeleteNamespacedPodAsync(deleted, lab.Namespace, cancellationToken: Token);
        await lab.UntilAsync(region => Find(region.Status?.Redis, deleted)?.Role == "Replica", "the deleted master is a replica");
        await loop.AwaitWritesAsync(20);
        Assert.True(loop.Longest < loop.Allow(Limit), $"a deletion took {loop.Longest}");
        await lab.UntilReadyAsync();

        // It hangs, so that nobody has proof: the nodes elect another one by themselves.
        loop.Reset();
        var frozen = await MasterAsync(lab, 1);
        await lab.Kubelet.KillPodAsync(lab.Namespace, frozen, 19);
        await lab.UntilToldAsync(frozen, FailoverCause.Native);
        await loop.AwaitWritesAsync(20);
        Assert.True(loop.Longest < loop.Allow(Limit), $"a hanging master took {loop.Longest}");
        await lab.Kubelet.KillPodAsync(lab.Namespace, frozen, 18);
        await lab.UntilReadyAsync();
        await AssertOneOwnerPerSlotAsync(lab);
    }

    private static async Task Master_MovedWhileTheStatusIsRefused_IsTold(RedisLab lab)
    {
        var master = await MasterAsync(lab, 0);
        var replica = (await lab.AskAllAsync()).Keys.Single(pod => pod != master && pod.StartsWith("eu-redis-0-", StringComparison.Ordinal));
        await using var policy = await ClusterPolicy.DenyAsync(
            lab.Client,
            lab.Namespace,
            ApiGroup.Name,
            $"{V1Alpha1ShortenerRegion.KubePlural}/status",
            "no status today",
            () =>
                lab.Client.CustomObjects.PatchNamespacedCustomObjectStatusAsync(
                    new V1Patch("{}", V1Patch.PatchType.MergePatch),
                    ApiGroup.Name,
                    ApiGroup.Version,
                    lab.Namespace,
                    V1Alpha1ShortenerRegion.KubePlural,
                    "eu",
                    dryRun: "All",
                    cancellationToken: Token
                )
        );

        await lab.PromoteAsync(replica);

        await lab.UntilToldAsync(master, FailoverCause.Native);
        await policy.EndAsync();
        await lab.UntilAsync(region => Find(region.Status?.Redis, replica)?.Role == "Master", "the status tells the new master");
        await lab.UntilReadyAsync();
    }

    // The specification is invalid and the region suspended: neither has anything to do with nodes that run.
    private static async Task TwoOfThreeMasters_GoneForLongWhileNothingIsApplied_AreSucceededWithoutAVote(RedisLab lab)
    {
        await lab.PatchSpecAsync("""{ "suspend": "Changes", "redis": { "resources": { "limits": { "memory": "64Mi" } } } }""");
        await UntilToldAsync(lab, "False", "InvalidSpec");
        string[] lost = [await MasterAsync(lab, 0), await MasterAsync(lab, 1)];

        // They hang before they are deleted: a deletion is proof, and the first one might have an heir by a vote before the second has ended.
        foreach (var pod in lost)
        {
            lab.Block(pod);
            await lab.Kubelet.KillPodAsync(lab.Namespace, pod, 19);
        }

        await lab.UntilAsync(
            region =>
                region.Status?.Redis?.State == RedisState.QuorumLost
                && region.Status.Conditions!.Any(condition => condition is { Type: "RedisQuorumLost", Status: "True", Reason: "QuorumLost" }),
            "the loss of the majority is told"
        );
        await Task.WhenAll(lost.Select(pod => lab.Client.CoreV1.DeleteNamespacedPodAsync(pod, lab.Namespace, gracePeriodSeconds: 0, cancellationToken: Token)));
        await lab.UntilAsync(
            region => region.Status?.Redis?.State == RedisState.Degraded && region.Status.Redis.Nodes!.Count(node => node.Role == "Master") == 3,
            "replicas took over"
        );
        await AssertOneOwnerPerSlotAsync(lab);
        foreach (var pod in lost)
            lab.Unblock(pod);
        // They have other addresses.
        await lab.UntilReadyAsync();
        await AssertOneOwnerPerSlotAsync(lab);

        // Nobody writes its Secrets again, and the operator still sees its nodes.
        var access = await lab.ReloadAccessAsync();
        foreach (var name in new[] { "eu-redis-auth", "eu-redis-tls" })
            await lab.Client.CoreV1.DeleteNamespacedSecretAsync(name, lab.Namespace, cancellationToken: Token);
        var replica = (await lab.AskAllAsync()).Values.First(view => !view.OwnsSlots).Pod;
        await lab.PromoteAsync(replica);
        await lab.UntilAsync(region => Find(region.Status?.Redis, replica)?.Role == "Master", "the status tells the new master");
        Assert.DoesNotContain(
            (await lab.Client.CoreV1.ListNamespacedSecretAsync(lab.Namespace, cancellationToken: Token)).Items,
            secret => secret.Metadata.Name is "eu-redis-auth" or "eu-redis-tls"
        );

        await lab.PatchSpecAsync("""{ "suspend": "None", "redis": { "resources": null } }""");
        await UntilToldAsync(lab, "True", "AsExpected");
        Assert.Equal(access.Identity, (await lab.ReloadAccessAsync()).Identity);
        await lab.UntilReadyAsync();
    }

    private static Task<V1Alpha1ShortenerRegion> UntilToldAsync(RedisLab lab, string status, string reason) =>
        lab.UntilAsync(
            region =>
                region.Status!.Conditions!.Any(condition =>
                    condition.Type == "RedisReady"
                    && condition.Status == status
                    && condition.Reason == reason
                    && condition.ObservedGeneration == region.Metadata.Generation
                ),
            $"RedisReady is {status} with {reason}"
        );

    private static async Task Master_BackWithoutItsData_DoesNotEmptyItsReplica(RedisLab lab, params string[] lost)
    {
        var key = await lab.FindKeyAsync(await MasterAsync(lab, 2), SlotRange.Of(2, 3));
        await lab.SetAsync(2, key, "kept");
        // A busy machine may have made another one the master.
        var master = "";
        await Eventually.HoldsAsync(
            async () => (await lab.SendAsync(master = await MasterAsync(lab, 2), "WAIT", "1", "1000")).Text == "1",
            "its replica has it"
        );
        var id = (await lab.AskAllAsync())[master].Id;
        var folder = lab.FolderOf(master);
        Directory.Delete(Path.Combine(folder, lost[0]), recursive: true);
        foreach (var file in lost.Skip(1))
            File.Delete(Path.Combine(folder, file));

        await lab.Kubelet.KillPodAsync(lab.Namespace, master);

        await lab.UntilAsync(
            region => region.Status?.Redis is { State: "Ready" } redis && Find(redis, master) is { Role: "Replica" } node && node.Id != id,
            "the node without data is a new replica"
        );
        Assert.Equal("kept", await lab.GetAsync(2, key));
        Assert.DoesNotContain((await lab.AskAllAsync()).Values.SelectMany(view => view.Members), member => member.Id == id);
    }

    private static RedisNodeStatus? Find(RedisStatus? status, string pod) => status?.Nodes?.FirstOrDefault(node => node.Name == pod);

    private static Task<string> MasterAsync(RedisLab lab, int shard) => lab.FindMasterAsync(shard);

    // What each node says of itself.
    private static async Task AssertOneOwnerPerSlotAsync(RedisLab lab)
    {
        var claims = (await lab.AskAllAsync(least: 4))
            .Values.Where(view => view.OwnsSlots)
            .SelectMany(view => view.Self!.Slots)
            .SelectMany(range => Enumerable.Range(range.First, range.Count))
            .ToList();
        Assert.Equal(SlotRange.Slots, claims.Count);
        Assert.Equal(SlotRange.Slots, claims.Distinct().Count());
    }
}
