using System.Globalization;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Redis;

/// <summary>
/// A real Redis cluster for tests: three masters, each with a replica that takes over by itself when its master fails. Where Redis is not installed, it is
/// installed (as root on Debian) or runs in a container; else there is a <see cref="ServerUnavailableException"/>. Local nodes end with this process,
/// whichever way that ends.
/// <example>
/// <code>
/// await using var cluster = await RedisCluster.StartAsync(new(), token);
/// await using var redis = await ConnectionMultiplexer.ConnectAsync(cluster.Configuration);
/// var master = await cluster.GetMasterOfKeyAsync("greeting", token);
/// await master.KillAsync(token);
/// await cluster.WaitUntilServedAsync(slot, token);
/// await master.StartAsync(token);
/// await cluster.WaitUntilHealthyAsync(token);
/// </code>
/// </example>
/// </summary>
public sealed class RedisCluster : IAsyncDisposable
{
    /// <summary>Nodes that own slots.</summary>
    public const int Masters = 3;

    private const int Size = 2 * Masters;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly RedisPlace _place;

    /// <summary>The cluster's own names of the nodes, which outlive restarts.</summary>
    private readonly Dictionary<string, RedisNode> _nodesById = [];

    private RedisCluster(RedisPlace place) => _place = place;

    /// <summary>Slots that keys are spread over: 0 to this, exclusive.</summary>
    public static int SlotCount => 16_384;

    /// <summary>All nodes, the first masters first. Their number and order never change, their roles may.</summary>
    public IReadOnlyList<RedisNode> Nodes => _place.Nodes;

    /// <summary>Configuration string of StackExchange.Redis that names all nodes.</summary>
    public string Configuration => string.Join(',', Nodes.Select(node => node.EndPoint));

    /// <summary>Starts a cluster, and returns when it is healthy.</summary>
    /// <exception cref="ServerUnavailableException">Redis cannot be had here.</exception>
    public static async Task<RedisCluster> StartAsync(RedisClusterOptions options, CancellationToken cancellationToken)
    {
        var cluster = new RedisCluster(await RedisPlace.StartAsync(options, Size, cancellationToken));
        try
        {
            await cluster.FormAsync(cancellationToken);
            await cluster.WaitUntilHealthyAsync(cancellationToken);
            if (options.Patience is { } patience)
                await cluster.ConfigureAsync("cluster-node-timeout", $"{patience.TotalMilliseconds:0}", cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>The slot of a key.</summary>
    public async Task<int> GetSlotAsync(string key, CancellationToken cancellationToken)
    {
        var node = Nodes.FirstOrDefault(node => node.IsServing) ?? throw new InvalidOperationException("No node serves.");
        return int.Parse((await node.SendAsync(cancellationToken, "CLUSTER", "KEYSLOT", key)).ToString(), CultureInfo.InvariantCulture);
    }

    /// <summary>The master of a key's slot.</summary>
    public async Task<RedisNode> GetMasterOfKeyAsync(string key, CancellationToken cancellationToken) =>
        await GetMasterOfSlotAsync(await GetSlotAsync(key, cancellationToken), cancellationToken);

    /// <summary>The master of a slot, by the newest word of any node that serves. It may be a node that has failed and was not replaced yet.</summary>
    public async Task<RedisNode> GetMasterOfSlotAsync(int slot, CancellationToken cancellationToken)
    {
        var views = await ReadViewsAsync(cancellationToken);
        var owner = views.SelectMany(view => view.Members).Where(member => member.IsMaster && member.Owns(slot)).MaxBy(member => member.Epoch);
        return owner is null ? throw new InvalidOperationException($"No node that serves knows a master of slot {slot}.") : _nodesById[owner.Id];
    }

    /// <summary>The replicas of a master, by the newest word of any node that serves.</summary>
    public async Task<IReadOnlyList<RedisNode>> GetReplicasAsync(RedisNode master, CancellationToken cancellationToken)
    {
        var id = IdOf(master);
        var views = await ReadViewsAsync(cancellationToken);
        return [.. views.Where(view => view.Self.MasterId == id).Select(view => view.Node)];
    }

    /// <summary>Waits until a node that serves is the master of a slot and says that its cluster is in order: from then on the slot takes writes.</summary>
    public Task WaitUntilServedAsync(int slot, CancellationToken cancellationToken) =>
        Poll.UntilAsync(
            $"slot {slot} is served",
            Limit,
            async token =>
            {
                var master = await GetMasterOfSlotAsync(slot, token);
                return await IsInOrderAsync(master, token) ? null : $"{master.EndPoint} does not answer, or says that the cluster is down";
            },
            cancellationToken
        );

    /// <summary>
    /// Waits until all nodes serve, agree on three masters that own all slots, and each master has a replica whose link is up. From then on the failure of
    /// any one node is made good.
    /// </summary>
    public Task WaitUntilHealthyAsync(CancellationToken cancellationToken) =>
        Poll.UntilAsync("the cluster is healthy", Limit, FindMissingAsync, cancellationToken);

    /// <summary>Forgets all scripts on all nodes that serve: EVALSHA answers NOSCRIPT until they are sent again.</summary>
    public Task FlushScriptsAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(Nodes.Where(node => node.IsServing).Select(node => node.FlushScriptsAsync(cancellationToken)));

    /// <summary>Begins to move a slot to another master while it is in use. Keys stay where they are until they are moved.</summary>
    public async Task<SlotMigration> BeginMoveSlotAsync(int slot, RedisNode target, CancellationToken cancellationToken)
    {
        var source = await GetMasterOfSlotAsync(slot, cancellationToken);
        if (source == target)
            throw new ArgumentException($"The target owns slot {slot} already.", nameof(target));
        await target.SendAsync(cancellationToken, "CLUSTER", "SETSLOT", $"{slot}", "IMPORTING", IdOf(source));
        await source.SendAsync(cancellationToken, "CLUSTER", "SETSLOT", $"{slot}", "MIGRATING", IdOf(target));
        return new SlotMigration(this, slot, source, target);
    }

    /// <summary>Moves a slot with all its keys to another master while it is in use.</summary>
    public async Task MoveSlotAsync(int slot, RedisNode target, CancellationToken cancellationToken) =>
        await (await BeginMoveSlotAsync(slot, target, cancellationToken)).FinishAsync(cancellationToken);

    /// <summary>Ends all nodes and removes their data.</summary>
    public ValueTask DisposeAsync() => _place.DisposeAsync();

    /// <summary>The cluster's own name of a node.</summary>
    internal string IdOf(RedisNode node) => _nodesById.First(pair => pair.Value == node).Key;

    /// <summary>The nodes that serve and are masters.</summary>
    internal async Task<IReadOnlyList<RedisNode>> GetMastersAsync(CancellationToken cancellationToken) =>
        [.. (await ReadViewsAsync(cancellationToken)).Where(view => view.Self.IsMaster).Select(view => view.Node)];

    private static async Task<bool> IsInOrderAsync(RedisNode node, CancellationToken cancellationToken) =>
        await node.TrySendAsync(cancellationToken, "CLUSTER", "INFO") is { } info && info.ToString().Contains("cluster_state:ok", StringComparison.Ordinal);

    /// <summary>Waits until all nodes that serve have the same opinion of who owns which slots.</summary>
    internal Task WaitUntilAgreedAsync(CancellationToken cancellationToken) =>
        Poll.UntilAsync("the nodes agree", Limit, async token => FindDisagreement(await ReadViewsAsync(token)), cancellationToken);

    private static string? FindDisagreement(IReadOnlyList<ClusterView> views) =>
        views.Select(view => view.SlotMap()).Distinct().Count() is > 1 and var maps ? $"there are {maps} opinions of who owns which slots" : null;

    /// <summary>What each node that serves sees of the cluster.</summary>
    private async Task<IReadOnlyList<ClusterView>> ReadViewsAsync(CancellationToken cancellationToken)
    {
        var texts = await Task.WhenAll(Nodes.Select(node => node.TrySendAsync(cancellationToken, "CLUSTER", "NODES")));
        return [.. Nodes.Zip(texts, (node, text) => text is null ? null : new ClusterView(node, ClusterMember.ReadAll(text.ToString()))).OfType<ClusterView>()];
    }

    /// <summary>
    /// Makes one cluster of the nodes. redis-cli would do it too, but it is not in every place that has redis-server, and waits for a second at each step.
    /// </summary>
    private async Task ConfigureAsync(string setting, string value, CancellationToken cancellationToken)
    {
        foreach (var node in Nodes)
            await node.SendAsync(cancellationToken, "CONFIG", "SET", setting, value);
    }

    private async Task FormAsync(CancellationToken cancellationToken)
    {
        foreach (var node in Nodes)
            _nodesById.Add((await node.SendAsync(cancellationToken, "CLUSTER", "MYID")).ToString(), node);
        for (var i = 0; i < Masters; i++)
        {
            string[] range = [$"{SlotCount * i / Masters}", $"{(SlotCount * (i + 1) / Masters) - 1}"];
            await Nodes[i].SendAsync(cancellationToken, ["CLUSTER", "ADDSLOTSRANGE", .. range]);
        }

        for (var i = 0; i < Size; i++)
        {
            await Nodes[i].SendAsync(cancellationToken, "CLUSTER", "SET-CONFIG-EPOCH", $"{i + 1}");
            // Each meets all earlier ones: gossip would take longer to introduce them.
            for (var j = 0; j < i; j++)
                await Nodes[i].SendAsync(cancellationToken, "CLUSTER", "MEET", Nodes[j].Host, $"{Nodes[j].Port}", $"{Nodes[j].Port + Ports.BusDistance}");
        }

        await Poll.UntilAsync(
            "all nodes have met",
            Limit,
            async token =>
            {
                var met = (await ReadViewsAsync(token)).Count(view => view.Members.Count == Size && !view.Members.Any(member => member.IsSuspect));
                return met == Size ? null : $"{met} of {Size} know the others";
            },
            cancellationToken
        );
        for (var i = Masters; i < Size; i++)
            await Nodes[i].SendAsync(cancellationToken, "CLUSTER", "REPLICATE", IdOf(Nodes[i - Masters]));
    }

    private async Task<string?> FindMissingAsync(CancellationToken cancellationToken)
    {
        var views = await ReadViewsAsync(cancellationToken);
        if (views.Count < Size)
            return $"{views.Count} of {Size} nodes answer";
        foreach (var view in views)
        {
            if (view.FindMissing(Size, Masters) is { } missing)
                return $"{view.Node.EndPoint} sees that {missing}";
            if (!await IsInOrderAsync(view.Node, cancellationToken))
                return $"{view.Node.EndPoint} says that the cluster is down";
            var replication = await view.Node.TrySendAsync(cancellationToken, "INFO", "replication");
            if (replication is null || replication.ToString().Contains("master_link_status:down", StringComparison.Ordinal))
                return $"{view.Node.EndPoint} has no link to its master";
        }

        return FindDisagreement(views);
    }
}
