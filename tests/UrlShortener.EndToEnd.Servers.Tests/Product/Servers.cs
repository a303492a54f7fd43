using StackExchange.Redis;
using UrlShortener.EndToEnd.Servers.Tests.Pods;
using UrlShortener.EndToEnd.Tests.Product;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Redis;
using Xunit;

[assembly: AssemblyFixture(typeof(Servers))]

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>
/// The servers of the whole run, started when the first product needs them: PostgreSQL with a primary and a replica, a Redis Cluster of six nodes, and a
/// single Redis. Products keep apart by database and key prefix.
/// </summary>
public sealed class Servers : IAsyncLifetime
{
    // In milliseconds: on a busy machine a server that is well must not look ill.
    private const string PatientClient = ",connectTimeout=60000,syncTimeout=60000,asyncTimeout=60000";
    private static readonly Lazy<Task<Servers>> Started = new(() => Task.Run(StartAsync));

    private PostgresCluster? _postgres;
    private RedisCluster? _redisCluster;
    private RedisServer? _redisServer;
    private ConnectionMultiplexer? _redis;
    private ConnectionMultiplexer? _redisBehindGates;

    /// <summary>A primary and a replica.</summary>
    internal PostgresCluster Postgres => _postgres!;

    /// <summary>Three masters, each with a replica.</summary>
    internal RedisCluster RedisCluster => _redisCluster!;

    /// <summary>A single server, for products that are cut off from it: each comes through a gate of its own.</summary>
    internal RedisServer RedisServer => _redisServer!;

    /// <summary>The tests' own connection to the cluster.</summary>
    internal ConnectionMultiplexer Redis => _redis!;

    /// <summary>The tests' own connection to the single server, which no gate cuts.</summary>
    internal ConnectionMultiplexer RedisBehindGates => _redisBehindGates!;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await CommonProduct.EndAsync();
        await CommonRegion.EndAsync();
        if (Started is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            await (await Started.Value).EndAsync();
    }

    /// <summary>The servers. Skips the test, and says why, where they cannot be had.</summary>
    internal static async Task<Servers> GetAsync()
    {
        try
        {
            return await Started.Value;
        }
        catch (ServerUnavailableException error)
        {
            Assert.Skip(error.Message);
            throw;
        }
    }

    private static async Task<Servers> StartAsync()
    {
        var servers = new Servers();
        try
        {
            // All products together have more connections than PostgreSQL takes by default.
            var postgres = PostgresCluster.StartAsync(new PostgresClusterOptions { Replicas = 1, MaxConnections = 400 }, CancellationToken.None);
            var redisCluster = RedisCluster.StartAsync(new RedisClusterOptions { Patience = TimeSpan.FromSeconds(30) }, CancellationToken.None);
            var redisServer = RedisServer.StartAsync(new RedisServerOptions(), CancellationToken.None);
            // All are waited for: what has started is known, and ended, when another cannot be had.
            await Task.WhenAll(
                Keep(postgres, server => servers._postgres = server),
                Keep(redisCluster, server => servers._redisCluster = server),
                Keep(redisServer, server => servers._redisServer = server)
            );
            servers._redis = await ConnectionMultiplexer.ConnectAsync($"{servers.RedisCluster.Configuration}{PatientClient}");
            servers._redisBehindGates = await ConnectionMultiplexer.ConnectAsync($"{servers.RedisServer.Configuration}{PatientClient}");
            return servers;
        }
        catch
        {
            await servers.EndAsync();
            throw;
        }

        static async Task Keep<T>(Task<T> starting, Action<T> keep) => keep(await starting);
    }

    private async Task EndAsync()
    {
        foreach (var server in new IAsyncDisposable?[] { _redis, _redisBehindGates, _redisServer, _redisCluster, _postgres })
        {
            if (server is not null)
                await server.DisposeAsync();
        }
    }
}
