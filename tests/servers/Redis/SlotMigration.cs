namespace UrlShortener.TestServers.Redis;

/// <summary>
/// A slot on its way from one master to another. Until it is finished, the source answers for keys that it still has, and sends clients to the target for
/// all others (ASK).
/// </summary>
public sealed class SlotMigration
{
    private const int Portion = 100;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(4);

    private readonly RedisCluster _cluster;

    internal SlotMigration(RedisCluster cluster, int slot, RedisNode source, RedisNode target)
    {
        _cluster = cluster;
        Slot = slot;
        Source = source;
        Target = target;
    }

    /// <summary>The slot.</summary>
    public int Slot { get; }

    /// <summary>The master that owns the slot until the end.</summary>
    public RedisNode Source { get; }

    /// <summary>The master that will own it.</summary>
    public RedisNode Target { get; }

    /// <summary>Moves up to <paramref name="count"/> keys.</summary>
    /// <returns>How many were moved: 0 when the source has none left.</returns>
    public async Task<int> MoveKeysAsync(int count, CancellationToken cancellationToken)
    {
        var keys = await Source.SendAsync(cancellationToken, "CLUSTER", "GETKEYSINSLOT", $"{Slot}", $"{count}");
        if (keys.Items.Count > 0)
        {
            string[] migrate = ["MIGRATE", Target.Host, $"{Target.Port}", "", "0", $"{Limit.TotalMilliseconds:0}", "REPLACE", "KEYS"];
            await Source.SendAsync(cancellationToken, [.. migrate, .. keys.Items.Select(key => key.ToString())]);
        }

        return keys.Items.Count;
    }

    /// <summary>
    /// Moves all keys that are left and makes the target the owner. Returns when all nodes that serve know it: a replica that is promoted before it has heard
    /// of it would take over the slots of its master as they were, and leave the cluster with a slot that nobody owns.
    /// </summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        while (await MoveKeysAsync(Portion, cancellationToken) > 0)
            cancellationToken.ThrowIfCancellationRequested();
        // The target first: when the source gave the slot up before, the two would send clients to each other meanwhile.
        await OwnAsync(Target, cancellationToken);
        await OwnAsync(Source, cancellationToken);
        foreach (var master in (await _cluster.GetMastersAsync(cancellationToken)).Where(node => node != Source && node != Target))
            await OwnAsync(master, cancellationToken);
        await _cluster.WaitUntilAgreedAsync(cancellationToken);
    }

    private Task<RedisReply> OwnAsync(RedisNode node, CancellationToken cancellationToken) =>
        node.SendAsync(cancellationToken, "CLUSTER", "SETSLOT", $"{Slot}", "NODE", _cluster.IdOf(Target));
}
