using System.Globalization;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Redis.Cluster;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>Shards and replicas are added and removed while clients write. Real servers in pods of a real API server.</summary>
public sealed class RedisScalingTests(ApiServerFixture apiServer)
{
    private const string Large = "large";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Shards_AddedAndRemovedUnderLoad_LoseNoKeyAlthoughTheOperatorDies()
    {
        await using var lab = await RedisLab.StartAsync(apiServer, hasOperator: false);
        var first = await lab.StartOperatorAsync();
        await lab.CreateAsync(nodeTimeoutMillis: RedisLab.PatientMillis);
        await lab.UntilReadyAsync();
        await using var load = await RedisLoad.StartAsync(lab);
        await load.AwaitWritesAsync(200);
        await using var sampler = SlotOwnerSampler.Start(lab);

        // A fourth shard. The operator dies while slots move, three times.
        await lab.PatchAsync("""{ "shards": 4 }""");
        var running = first;
        foreach (var moved in new[] { 1, 700, 1_500 })
        {
            await Eventually.HoldsAsync(
                async () => await CountSlotsAsync(lab, shard: 3) >= moved,
                () => $"{moved} slots have moved",
                TimeSpan.FromSeconds(120)
            );
            await running.StopAsync();
            running = await lab.StartOperatorAsync();
        }

        await UntilScaledAsync(lab, shards: 4);
        Assert.Empty(await load.FindLostAsync());
        var former = await ReadIdentitiesAsync(lab, shard: 3);

        // And away again. Another operator died in the middle of slots, after each command that a move has; and a key is too large to be moved.
        await running.StopAsync();
        await LeaveHalfMovedAsync(lab, load);
        var master = await lab.FindMasterAsync(3);
        var slots = (await lab.AskAllAsync(least: 8))[master].Self!.Slots;
        var large = await lab.FindKeyAsync(master, slots[^1]);
        Assert.True((await lab.SendAsync(master, "SETRANGE", large, "16000000", Large)).Succeeded);
        await lab.PatchAsync("""{ "shards": 3 }""");
        running = await lab.StartOperatorAsync();
        await lab.UntilAsync(
            region =>
                region.Status?.Conditions?.Any(condition =>
                    condition is { Type: "RedisDegraded", Status: "True", Reason: "SlotsHeldUp" } && condition.Message.Contains(large, StringComparison.Ordinal)
                ) == true,
            "the key that is too large is told"
        );
        // A busy machine may bring about a failover within a shard. That the slots of one went to another is none.
        Assert.True((await lab.ReadAsync()).Status!.Redis!.LastFailover is not { } failover || ShardOf(failover.From) == ShardOf(failover.To));
        Assert.True((await lab.SendAsync(master, "UNLINK", large)).Succeeded);
        await UntilScaledAsync(lab, shards: 3);
        await Eventually.HoldsAsync(async () => (await lab.ReadPodsAsync()).Count == 6, () => "the pods of the shard are gone", TimeSpan.FromSeconds(120));
        Assert.Empty(await load.FindLostAsync());
        await Eventually.HoldsAsync(
            async () => (await lab.AskAllAsync()).Values.All(view => view.Members.Count == 6),
            () => "nobody knows the nodes that are gone"
        );

        // And back, on the volumes that were kept: new nodes, and no key that was deleted meanwhile.
        var deleted = await load.DeleteSomeAsync();
        Assert.Equal(8, (await ReadClaimsAsync(lab)).Count);
        await lab.PatchAsync("""{ "shards": 4 }""");
        await Eventually.HoldsAsync(async () => await CountSlotsAsync(lab, shard: 3) > 0, () => "the shard is back", TimeSpan.FromSeconds(120));
        Assert.DoesNotContain((await lab.AskAllAsync(least: 8)).Values, view => former.Contains(view.Id));
        Assert.Empty(await load.FindAsync(deleted));
        Assert.Empty(await load.FindLostAsync());

        // Once more, with volumes that go with their pods.
        former = await ReadIdentitiesAsync(lab, shard: 3);
        var claims = (await ReadClaimsAsync(lab)).ToDictionary(claim => claim.Metadata.Name, claim => claim.Metadata.Uid);
        await lab.PatchAsync("""{ "shards": 3, "storage": { "onDelete": "Delete" } }""");
        await UntilScaledAsync(lab, shards: 3);
        await Eventually.HoldsAsync(
            async () =>
                (await ReadClaimsAsync(lab)).Select(claim => claim.Metadata.Name).Where(name => name.Contains("-redis-3-", StringComparison.Ordinal)).ToList()
                    is [],
            () => "the volumes of the shard are gone",
            TimeSpan.FromSeconds(120)
        );
        deleted = await load.DeleteSomeAsync();
        await lab.PatchAsync("""{ "shards": 4 }""");
        await Eventually.HoldsAsync(async () => await CountSlotsAsync(lab, shard: 3) > 0, () => "the shard is back", TimeSpan.FromSeconds(120));
        Assert.DoesNotContain((await lab.AskAllAsync(least: 8)).Values, view => former.Contains(view.Id));
        Assert.Empty(await load.FindAsync(deleted));
        Assert.Empty(await load.FindLostAsync());
        // Those of the shards that stay are the same.
        var stayed = (await ReadClaimsAsync(lab)).Where(claim => claims.GetValueOrDefault(claim.Metadata.Name) == claim.Metadata.Uid);
        Assert.Equal(6, stayed.Count());
        Assert.Empty(await sampler.StopAsync());
        Assert.True(sampler.Samples > 20, $"{sampler.Samples} samples");
    }

    // The state in which an operator leaves slots of shard 3 that dies after each command, with keys in all of them.
    private static async Task LeaveHalfMovedAsync(RedisLab lab, RedisLoad load)
    {
        var (source, target) = (await lab.FindMasterAsync(3), await lab.FindMasterAsync(0));
        var views = await lab.AskAllAsync(least: 8);
        var slots = views[source].Self!.Slots.SelectMany(range => Enumerable.Range(range.First, range.Count)).Take(5).ToList();
        foreach (var slot in slots)
            await load.WriteAsync(slot, $"half-{slot}");
        var (from, to) = (views[source].Id!, views[target].Id!);
        var ip = (await lab.ReadPodAsync(target)).Status.PodIP;
        var password = (await lab.AccessAsync()).Password!;
        foreach (var (step, slot) in slots.Index())
        {
            var number = slot.ToString(CultureInfo.InvariantCulture);
            var keys = (await lab.SendAsync(source, "CLUSTER", "GETKEYSINSLOT", number, "100")).Reply!.Items.Select(item => item.Text).ToList();
            Assert.True(keys.Count >= 2);
            await SendAsync(target, "CLUSTER", "SETSLOT", number, "IMPORTING", from);
            if (step >= 1)
                await SendAsync(source, "CLUSTER", "SETSLOT", number, "MIGRATING", to);
            foreach (
                var key in keys.Take(
                    step == 2 ? 1
                    : step >= 3 ? keys.Count
                    : 0
                )
            )
                await SendAsync(source, "MIGRATE", ip, "6379", "", "0", "30000", "AUTH2", "default", password, "KEYS", key);
            if (step >= 3)
                await SendAsync(target, "CLUSTER", "SETSLOT", number, "NODE", to);
            if (step >= 4)
                await SendAsync(source, "CLUSTER", "SETSLOT", number, "NODE", to);
        }

        async Task SendAsync(string pod, params IReadOnlyList<string> command)
        {
            var outcome = await lab.SendAsync(pod, command);
            Assert.True(outcome.Succeeded, $"{string.Join(' ', command)}: {outcome.Error}");
        }
    }

    private static async Task UntilScaledAsync(RedisLab lab, int shards)
    {
        await lab.UntilAsync(
            region =>
                region.Status?.Redis is { State: "Ready" } redis
                && redis.Nodes!.Count(node => node.Role == "Master") == shards
                && region.Status.Conditions!.Any(condition =>
                    condition is { Type: "RedisReady", Status: "True" } && condition.ObservedGeneration == region.Metadata.Generation
                ),
            $"there are {shards} shards",
            seconds: 240
        );
        // Of several looks: in one of them a node may not answer in time.
        for (var shard = 0; shard < shards; shard++)
        {
            var count = 0;
            await Eventually.HoldsAsync(
                async () => (count = await CountSlotsAsync(lab, shard)) == SlotRange.Of(shard, shards).Count,
                () => $"shard {shard} has its part of the slots; it has {count}"
            );
        }
    }

    private static async Task<HashSet<string?>> ReadIdentitiesAsync(RedisLab lab, int shard) =>
        [.. (await lab.AskAllAsync(least: 8)).Values.Where(view => IsOfShard(view, shard)).Select(view => view.Id)];

    private static async Task<IList<V1PersistentVolumeClaim>> ReadClaimsAsync(RedisLab lab) =>
        (await lab.Client.CoreV1.ListNamespacedPersistentVolumeClaimAsync(lab.Namespace, cancellationToken: Token)).Items;

    private static string? ShardOf(string? pod) => pod?[..pod.LastIndexOf('-')];

    private static async Task<int> CountSlotsAsync(RedisLab lab, int shard) =>
        (await lab.AskAsync()).Values.Where(view => view.OwnsSlots && IsOfShard(view, shard)).Sum(view => view.Self!.Slots.Sum(range => range.Count));

    private static bool IsOfShard(NodeView view, int shard) => view.Pod.StartsWith($"eu-redis-{shard}-", StringComparison.Ordinal);
}
