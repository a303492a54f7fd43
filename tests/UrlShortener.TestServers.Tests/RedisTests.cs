using System.Net.Sockets;
using System.Text;
using StackExchange.Redis;
using UrlShortener.TestServers.Network;
using UrlShortener.TestServers.Redis;
using Xunit;

namespace UrlShortener.TestServers.Tests;

public sealed class RedisTests : ServerTest
{
    [Fact]
    public async Task Server_KilledAndStarted_KeepsItsDataOnlyWhenDurable()
    {
        await using var passing = await StartAsync(new RedisServerOptions());
        await using var lasting = await StartAsync(new RedisServerOptions { Durable = true });

        Assert.Equal("", await SetKillStartAndReadAsync(passing));
        Assert.Equal("1", await SetKillStartAndReadAsync(lasting));
    }

    [Fact]
    public async Task Cluster_MasterKilled_ItsReplicaTakesOverAndItComesBackAsReplica()
    {
        await using var cluster = await StartAsync(new RedisClusterOptions());
        await using var redis = await ConnectAsync(cluster.Configuration);
        await redis.GetDatabase().StringSetAsync("greeting", "hello");
        var slot = await cluster.GetSlotAsync("greeting", Token);
        var master = await cluster.GetMasterOfSlotAsync(slot, Token);
        var replica = Assert.Single(await cluster.GetReplicasAsync(master, Token));
        await Eventually.HoldsAsync(async () => (int)await redis.GetServer(master.EndPoint).ExecuteAsync("WAIT", 1, 2000) == 1, "the replica has it");

        await master.KillAsync(Token);
        await cluster.WaitUntilServedAsync(slot, Token);

        Assert.Same(replica, await cluster.GetMasterOfKeyAsync("greeting", Token));
        await master.StartAsync(Token);
        await cluster.WaitUntilHealthyAsync(Token);
        Assert.Equal([master], await cluster.GetReplicasAsync(replica, Token));
        Assert.Equal("hello", (string?)await redis.GetDatabase().StringGetAsync("greeting"));
    }

    [Fact]
    public async Task Cluster_MasterFrozen_IsReplacedAndStepsBackWhenResumed()
    {
        await using var cluster = await StartAsync(new RedisClusterOptions());
        var master = await cluster.GetMasterOfSlotAsync(0, Token);
        var replica = Assert.Single(await cluster.GetReplicasAsync(master, Token));

        await master.FreezeAsync(Token);
        await cluster.WaitUntilServedAsync(0, Token);
        Assert.Same(replica, await cluster.GetMasterOfSlotAsync(0, Token));
        master.Resume();
        await cluster.WaitUntilHealthyAsync(Token);

        Assert.Same(replica, await cluster.GetMasterOfSlotAsync(0, Token));
        Assert.Equal([master], await cluster.GetReplicasAsync(replica, Token));
    }

    [Fact]
    public async Task MoveSlot_HalfWay_RedirectsWithAskAndFinishes()
    {
        await using var cluster = await StartAsync(new RedisClusterOptions { Patience = TimeSpan.FromSeconds(30) });
        await using var redis = await ConnectAsync(cluster.Configuration);
        var database = redis.GetDatabase();
        for (var i = 0; i < 20; i++)
            await database.StringSetAsync($"{{tag}}{i}", i);
        var slot = await cluster.GetSlotAsync("{tag}0", Token);
        var source = await cluster.GetMasterOfSlotAsync(slot, Token);
        var target = await cluster.GetMasterOfSlotAsync((slot + (RedisCluster.SlotCount / 2)) % RedisCluster.SlotCount, Token);

        var migration = await cluster.BeginMoveSlotAsync(slot, target, Token);
        Assert.Equal(10, await migration.MoveKeysAsync(10, Token));
        var answers = await AskAsync(source, 20);
        Assert.Equal(10, answers.Count(answer => answer == $"-ASK {slot} {target.EndPoint}"));
        Assert.Equal(10, answers.Count(answer => answer[0] == ':'));
        for (var i = 0; i < 20; i++)
            Assert.Equal(i, (int)await database.StringGetAsync($"{{tag}}{i}"));

        await migration.FinishAsync(Token);
        await cluster.WaitUntilHealthyAsync(Token);
        Assert.Same(target, await cluster.GetMasterOfSlotAsync(slot, Token));
        for (var i = 0; i < 20; i++)
            Assert.Equal(i, (int)await database.StringGetAsync($"{{tag}}{i}"));
    }

    [Fact]
    public async Task FlushScripts_LoadedScript_IsForgotten()
    {
        await using var server = await StartAsync(new RedisServerOptions());
        await using var redis = await ConnectAsync(server.Configuration);
        var script = (string)(await redis.GetDatabase().ExecuteAsync("SCRIPT", "LOAD", "return 1"))!;
        Assert.Equal(1, (int)await redis.GetDatabase().ExecuteAsync("EVALSHA", script, 0));

        await server.Node.FlushScriptsAsync(Token);

        var refusal = await Assert.ThrowsAsync<RedisServerException>(() => redis.GetDatabase().ExecuteAsync("EVALSHA", script, 0));
        Assert.StartsWith("NOSCRIPT", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gates_OneClosed_CutsOffThatNodeAndTheClusterStaysAsItIs()
    {
        // Nodes that a busy machine keeps from answering each other are not to elect another master.
        await using var cluster = await StartAsync(new RedisClusterOptions { Gated = true, NodeTimeout = TimeSpan.FromSeconds(10) });
        // How long the call below waits in vain.
        await using var redis = await ConnectAsync($"{cluster.Configuration},asyncTimeout=3000");
        var master = await cluster.GetMasterOfKeyAsync("greeting", Token);
        await redis.GetDatabase().StringSetAsync("greeting", "hello");
        Assert.All(redis.GetEndPoints(), endPoint => Assert.Contains(cluster.Nodes, node => node.EndPoint == endPoint.ToString()));

        master.Gate!.Mode = TcpGateMode.Closed;
        await Assert.ThrowsAnyAsync<RedisException>(() => redis.GetDatabase().StringGetAsync("greeting", CommandFlags.DemandMaster));
        Assert.Same(master, await cluster.GetMasterOfKeyAsync("greeting", Token));

        master.Gate.Mode = TcpGateMode.Open;
        await cluster.WaitUntilHealthyAsync(Token);
        await Eventually.HoldsAsync(() => redis.GetServer(master.EndPoint).IsConnected, "the client is connected again");
        Assert.Equal("hello", (string?)await redis.GetDatabase().StringGetAsync("greeting"));
    }

    private static async Task<string> SetKillStartAndReadAsync(RedisServer server)
    {
        await using (var redis = await ConnectAsync(server.Configuration))
            await redis.GetDatabase().StringSetAsync("key", 1);
        await server.Node.KillAsync(Token);
        await server.Node.StartAsync(Token);
        await using var again = await ConnectAsync(server.Configuration);
        return (await again.GetDatabase().StringGetAsync("key")).ToString();
    }

    /// <summary>Reads keys from one node as a client that follows no redirection, and returns the first line of each answer.</summary>
    private static async Task<List<string>> AskAsync(RedisNode node, int keys)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(node.Host, node.Port, Token);
        using var reader = new StreamReader(client.GetStream());
        var answers = new List<string>();
        for (var i = 0; i < keys; i++)
        {
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"STRLEN {{tag}}{i}\r\n"), Token);
            answers.Add((await reader.ReadLineAsync(Token))!);
        }

        return answers;
    }

    private static Task<ConnectionMultiplexer> ConnectAsync(string configuration) =>
        ConnectionMultiplexer.ConnectAsync($"allowAdmin=true,abortConnect=false,connectTimeout=60000,asyncTimeout=60000,{configuration}");
}
