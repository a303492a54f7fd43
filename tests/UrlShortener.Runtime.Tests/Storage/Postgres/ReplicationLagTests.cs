using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.Postgres;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Postgres;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

/// <summary>The lag of a real replica. On servers of its own: it holds replication up, which no other test would survive.</summary>
public sealed class ReplicationLagTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Lags_OfAReplica_AreTrueWhileItFollowsStandsStillAndCatchesUp()
    {
        await using var cluster = await StartAsync();
        var (primary, replica) = (cluster.Nodes[0], cluster.Nodes[1]);
        var cancellations = new PostgresCancellations(NullLogger<PostgresCancellations>.Instance);
        await using var hosts = new PostgresHosts(
            new ConnectionOptions { Postgres = cluster.ConnectionString("postgres") },
            new PostgresOptions(),
            new RememberedNames(TimeProvider.System, NullLogger<RememberedNames>.Instance),
            cancellations,
            TimeProvider.System
        );
        hosts.Start();
        await UntilAsync(() => LagOf(2) == TimeSpan.Zero, "a replica that follows has no lag");
        Assert.Null(LagOf(1));

        // Nothing that is written arrives.
        await ExecuteAsync(replica, "SELECT pg_wal_replay_pause()");
        await ExecuteAsync(primary, "CREATE TABLE lagging ()");
        await UntilAsync(() => LagOf(2) >= TimeSpan.FromSeconds(1), "a replica that stands still is behind");
        // The age of a write, although nothing else is written.
        await UntilAsync(() => LagOf(2) >= TimeSpan.FromSeconds(2), "the lag grows");

        await ExecuteAsync(replica, "SELECT pg_wal_replay_resume()");
        await UntilAsync(() => LagOf(2) == TimeSpan.Zero, "it has caught up");

        await primary.KillAsync(Token);
        await UntilAsync(() => LagOf(2) is null, "without a primary nobody knows");

        TimeSpan? LagOf(int server) => hosts.Lags.Single(lag => lag.Server == server).Lag;
    }

    private static async Task<PostgresCluster> StartAsync()
    {
        try
        {
            return await PostgresCluster.StartAsync(new PostgresClusterOptions { Replicas = 1 }, Token);
        }
        catch (ServerUnavailableException error)
        {
            Assert.Skip(error.Message);
            throw;
        }
    }

    private static async Task UntilAsync(Func<bool> condition, string what) =>
        await Eventually.ReadAsync(() => Task.FromResult(condition()), holds => holds, what);

    private static async Task ExecuteAsync(PostgresNode node, string sql)
    {
        await using var source = NpgsqlDataSource.Create(node.DirectConnectionString("postgres"));
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Token);
    }
}
