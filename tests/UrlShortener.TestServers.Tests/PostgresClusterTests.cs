using Npgsql;
using UrlShortener.TestServers.Network;
using UrlShortener.TestServers.Postgres;
using Xunit;

namespace UrlShortener.TestServers.Tests;

public sealed class PostgresClusterTests : ServerTest
{
    [Fact]
    public async Task Start_WithReplicas_ConnectionsFindTheirRole()
    {
        await using var cluster = await StartAsync(new PostgresClusterOptions { Replicas = 2 });
        var connectionString = await cluster.CreateDatabaseAsync("shop", Token);

        await using var sources = new NpgsqlDataSourceBuilder(connectionString).BuildMultiHost();
        await using var writer = sources.WithTargetSession(TargetSessionAttributes.Primary);
        await using var reader = sources.WithTargetSession(TargetSessionAttributes.Standby);
        await ExecuteAsync(writer, "CREATE TABLE things (id int)");
        await ExecuteAsync(writer, "INSERT INTO things VALUES (1), (2)");
        await cluster.WaitUntilReplicasCaughtUpAsync(Token);

        Assert.Equal(2L, await ReadAsync(reader, "SELECT count(*) FROM things"));
        Assert.Equal(true, await ReadAsync(reader, "SELECT pg_is_in_recovery()"));
        Assert.Same(cluster.Nodes[0], await cluster.GetPrimaryAsync(Token));
        Assert.Equal(2, (await cluster.GetReplicasAsync(Token)).Count);
    }

    [Fact]
    public async Task FailOver_PrimaryKilled_AcknowledgedRowsAreThereAndTheOldPrimaryRejoins()
    {
        await using var cluster = await StartAsync(new PostgresClusterOptions { Replicas = 2, Synchronous = true });
        await using var source = NpgsqlDataSource.Create(await cluster.CreateDatabaseAsync(null, Token) + ";Target Session Attributes=primary");
        await ExecuteAsync(source, "CREATE TABLE things (id int)");
        for (var i = 0; i < 50; i++)
            await ExecuteAsync(source, $"INSERT INTO things VALUES ({i})");
        var old = await cluster.GetPrimaryAsync(Token);

        await old.KillAsync(Token);
        var next = await cluster.FailOverAsync(Token);
        await using var afterwards = NpgsqlDataSource.Create(source.ConnectionString);
        await ExecuteAsync(afterwards, "INSERT INTO things VALUES (50)");
        await old.RejoinAsync(next, Token);
        await cluster.WaitUntilReplicasCaughtUpAsync(Token);

        Assert.NotSame(old, next);
        Assert.Equal(51L, await ReadAsync(afterwards, "SELECT count(*) FROM things"));
        Assert.Equal(2, (await cluster.GetReplicasAsync(Token)).Count);
        Assert.False(await old.IsPrimaryAsync(Token));
    }

    [Fact]
    public async Task Freeze_OpenConnection_HangsUntilResume()
    {
        await using var cluster = await StartAsync(new PostgresClusterOptions { Replicas = 1 });
        var primary = cluster.Nodes[0];
        await using var connection = new NpgsqlConnection(primary.DirectConnectionString("postgres"));
        await connection.OpenAsync(Token);

        await primary.FreezeAsync(Token);
        await using var command = new NpgsqlCommand("SELECT 1", connection);
        var answer = command.ExecuteScalarAsync(Token);
        // The replica took this write after the primary was asked, so the primary had the time to answer.
        await cluster.Nodes[1].PromoteAsync(Token);
        await using var other = NpgsqlDataSource.Create(cluster.Nodes[1].DirectConnectionString("postgres"));
        await ExecuteAsync(other, "CREATE TABLE things (id int)");

        Assert.False(answer.IsCompleted);
        Assert.Same(cluster.Nodes[1], await cluster.GetPrimaryAsync(Token));
        primary.Resume();
        Assert.Equal(1, await answer);
        // Both take writes now; the one that was promoted is the one that counts.
        Assert.Same(cluster.Nodes[1], await cluster.GetPrimaryAsync(Token));
        await primary.RejoinAsync(cluster.Nodes[1], Token);
        Assert.Equal([primary], await cluster.GetReplicasAsync(Token));
    }

    [Fact]
    public async Task Kill_DurableServer_KeepsItsRowsInItsNextLife()
    {
        var settings = new Dictionary<string, string> { ["work_mem"] = "7MB" };
        await using var cluster = await StartAsync(
            new PostgresClusterOptions
            {
                Durable = true,
                MaxConnections = 40,
                Settings = settings,
            }
        );
        var node = cluster.Nodes[0];
        await using (var source = NpgsqlDataSource.Create(node.DirectConnectionString("postgres")))
        {
            Assert.Equal(
                "on,on,on,40,7MB",
                await ReadAsync(
                    source,
                    """
                    SELECT concat_ws(',', current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
                        current_setting('max_connections'), current_setting('work_mem'))
                    """
                )
            );
            await ExecuteAsync(source, "CREATE TABLE things (id int)");
        }

        await node.KillAsync(Token);
        Assert.Null(node.ProcessId);
        await node.StartAsync(Token);

        await using var again = NpgsqlDataSource.Create(node.DirectConnectionString("postgres"));
        Assert.Equal(0L, await ReadAsync(again, "SELECT count(*) FROM things"));
    }

    [Fact]
    public async Task Gate_BlackHole_CutsTheClientOffAndNotTheReplica()
    {
        await using var cluster = await StartAsync(new PostgresClusterOptions { Replicas = 1, Gated = true });
        await using var source = NpgsqlDataSource.Create(await cluster.CreateDatabaseAsync(null, Token) + ";Target Session Attributes=primary");
        await using var connection = await source.OpenConnectionAsync(Token);
        await using var command = new NpgsqlCommand("SELECT 1", connection);
        Assert.Equal(1, await command.ExecuteScalarAsync(Token));

        cluster.Nodes[0].Gate!.Mode = TcpGateMode.BlackHole;
        var answer = command.ExecuteScalarAsync(Token);
        await using var direct = NpgsqlDataSource.Create(cluster.Nodes[0].DirectConnectionString("postgres"));
        await ExecuteAsync(direct, "CREATE TABLE things (id int)");
        await cluster.WaitUntilReplicasCaughtUpAsync(Token);

        Assert.False(answer.IsCompleted);
        cluster.Nodes[0].Gate!.Mode = TcpGateMode.Open;
        Assert.Equal(1, await answer);
    }

    [Fact]
    public async Task DropDatabase_InUse_RemovesIt()
    {
        await using var cluster = await StartAsync(new PostgresClusterOptions());
        await using var source = NpgsqlDataSource.Create(await cluster.CreateDatabaseAsync("gone", Token));
        await ExecuteAsync(source, "SELECT 1");

        await cluster.DropDatabaseAsync("gone", Token);

        await using var other = NpgsqlDataSource.Create(cluster.ConnectionString("postgres"));
        Assert.Equal(0L, await ReadAsync(other, "SELECT count(*) FROM pg_database WHERE datname = 'gone'"));
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Token);
    }

    private static async Task<object?> ReadAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Token);
    }
}
