using UrlShortener.TestServers;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Redis;

namespace UrlShortener.Load;

/// <summary>The servers of a larger installation, for one run alone: PostgreSQL with durable commits on disk, and a Redis Cluster of three masters with a
/// replica each. They end with this process.</summary>
internal sealed class Backends(PostgresCluster postgres, RedisCluster redis, string executable) : IAsyncDisposable
{
    // A data set of some hundred megabytes in memory, and no checkpoint in every measurement: modest for a server of its own.
    private static readonly Dictionary<string, string> Settings = new() { ["shared_buffers"] = "512MB", ["max_wal_size"] = "4GB" };

    public static string Description =>
        $"PostgreSQL (fsync, full_page_writes and synchronous_commit on; {string.Join(", ", Settings.Select(pair => $"{pair.Key} {pair.Value}"))}) "
        + "and a Redis Cluster of six nodes without persistence run on the same machine.";

    /// <summary>The Redis Cluster, as StackExchange.Redis is told.</summary>
    public string Redis => redis.Configuration;

    /// <summary>The processes of PostgreSQL that started all others of it; none where it runs in a container.</summary>
    public IEnumerable<int> PostgresProcesses => postgres.Nodes.Select(node => node.ProcessId).OfType<int>();

    /// <summary>The processes of Redis; none where it runs in containers.</summary>
    public IEnumerable<int> RedisProcesses => redis.Nodes.Select(node => node.ProcessId).OfType<int>();

    /// <summary>Starts the servers. A null <paramref name="product"/> means the runtime built in this tree.</summary>
    public static async Task<Backends> StartAsync(string? product, CancellationToken cancellationToken)
    {
        var executable = Executables.FindProduct(product);
        try
        {
            var postgres = await PostgresCluster.StartAsync(
                new PostgresClusterOptions
                {
                    Durable = true,
                    MaxConnections = 300,
                    Settings = Settings,
                },
                cancellationToken
            );
            try
            {
                return new Backends(postgres, await RedisCluster.StartAsync(new RedisClusterOptions(), cancellationToken), executable);
            }
            catch
            {
                await postgres.DisposeAsync();
                throw;
            }
        }
        catch (ServerUnavailableException error)
        {
            throw new LoadException(error.Message);
        }
    }

    /// <summary>Makes an empty installation on the servers: a database, and a part of the keys in Redis.</summary>
    public async Task<Installation> InstallAsync(string name, CancellationToken cancellationToken)
    {
        var connection = await postgres.CreateDatabaseAsync(name, cancellationToken);
        return new Installation(name, executable, connection, redis.Configuration);
    }

    /// <summary>Removes an installation's database, once its processes have ended. What it had in Redis stays till the servers end.</summary>
    public Task RemoveAsync(Installation installation, CancellationToken cancellationToken) => postgres.DropDatabaseAsync(installation.Name, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await redis.DisposeAsync();
        await postgres.DisposeAsync();
    }
}
