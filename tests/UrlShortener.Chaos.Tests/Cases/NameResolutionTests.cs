using Npgsql;
using StackExchange.Redis;
using UrlShortener.Chaos.Tests.Histories;
using UrlShortener.Chaos.Tests.Product;
using UrlShortener.Chaos.Tests.Traffic;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Redis;
using Xunit;

namespace UrlShortener.Chaos.Tests.Cases;

public sealed class NameResolutionTests : ChaosTest
{
    private static readonly string[] DatabaseHosts = ["postgres-0.chaos.internal", "postgres-1.chaos.internal"];
    private static readonly string[] RedisHosts = [.. Enumerable.Range(0, 6).Select(i => $"redis-{i}.chaos.internal")];

    [Fact]
    [Trait("Case", "C-10")]
    public async Task Names_ResolveNoMore_TheLastKnownAddressesAreUsed()
    {
        using var names = await PrivateNames.CreateAsync(Token);
        names.Know([.. DatabaseHosts, .. RedisHosts]);
        var installation = await InstallAsync(new PostgresClusterOptions { Replicas = 1 }, PatientRedis, PatientWithDatabase);
        var (postgres, redis) = (installation.Postgres, installation.Redis!);
        var byName = new NpgsqlConnectionStringBuilder(postgres.ConnectionString("shortener"))
        {
            Host = string.Join(',', postgres.Nodes.Zip(DatabaseHosts, (node, host) => $"{host}:{node.Port}")),
        };
        var redisByName = string.Join(',', redis.Nodes.Zip(RedisHosts, (node, host) => $"{host}:{node.Port}"));
        var other = await installation.StartPodAsync("app-by-address");
        var pod = await installation.StartPodAsync(
            "app-by-name",
            names.Wrap(ProductProgram.Path),
            $"--ConnectionStrings:Postgres={byName.ConnectionString}",
            $"--ConnectionStrings:Redis={redisByName}"
        );
        var uncached = await installation.CreateLinksAsync(40, [other], Token);
        var cached = await installation.CreateLinksAsync(10, [pod], Token);
        await postgres.WaitUntilReplicasCaughtUpAsync(Token);
        var history = installation.History;
        await using (var load = StartLoad(installation, [pod], new LoadOptions { Followed = cached }))
        {
            var forgotten = history.Now;
            names.Forget();
            // The product notices by itself.
            await Eventually.ReadAsync(() => pod.ReadMetricAsync("shortener_names_remembered_total"), count => count > 0, "names are answered from memory");
            await installation.FollowAllAsync(pod, uncached.Take(20), Token);

            var broken = history.Now;
            await BreakConnectionsAsync(postgres, redis);
            await UntilAsync(
                () => history.Find(OperationKind.Create, broken, TimeSpan.MaxValue).Any(create => create.IsAcknowledged),
                "links are created again"
            );
            await Eventually.ReadAsync(
                () => pod.Anonymous.GetAsync("/health"),
                reply => reply.Json.GetProperty("status").GetString() == "healthy",
                "the product is healthy"
            );
            await installation.FollowAllAsync(pod, uncached.Skip(20), Token);
            var healthy = history.Now;

            names.Know([.. DatabaseHosts, .. RedisHosts]);
            await UntilAsync(() => history.Find(OperationKind.Create, healthy, TimeSpan.MaxValue).Count > 20, "links are created");
            await load.StopAsync();
            AssertAllAnswered("redirects of cached links", history.Find(OperationKind.Follow, TimeSpan.Zero, TimeSpan.MaxValue));
            var before = history.Find(OperationKind.Create, forgotten, broken).Where(create => create.End < broken);
            AssertAllAnswered("creations before connections were broken", [.. before]);
            AssertAllAnswered("creations after new connections were there", history.Find(OperationKind.Create, healthy, TimeSpan.MaxValue));
        }

        await installation.VerifyAsync(pod, StaleBound, [], Token);
    }

    private static async Task BreakConnectionsAsync(PostgresCluster postgres, RedisCluster redis)
    {
        foreach (var node in postgres.Nodes)
        {
            await using var connection = new NpgsqlConnection(node.DirectConnectionString("postgres"));
            await connection.OpenAsync(Token);
            await using var command = new NpgsqlCommand(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'url-shortener'",
                connection
            );
            Assert.NotEqual(0L, await command.ExecuteScalarAsync(Token));
        }

        await using var client = await ConnectionMultiplexer.ConnectAsync(
            $"{redis.Configuration},allowAdmin=true,connectTimeout=60000,syncTimeout=60000,asyncTimeout=60000"
        );
        foreach (var server in client.GetServers())
        {
            await server.ExecuteAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
            await server.ExecuteAsync("CLIENT", "KILL", "TYPE", "pubsub");
        }
    }
}
