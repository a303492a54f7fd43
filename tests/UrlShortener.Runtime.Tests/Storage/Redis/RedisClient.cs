using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Storage.Redis;
using UrlShortener.TestServers.Redis;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Redis;

/// <summary>A connection as a process has it, and what works over it, with keys of its own.</summary>
internal sealed class RedisClient : IAsyncDisposable
{
    private RedisClient(string configuration, RedisOptions options, ILogger<RedisConnection>? logger)
    {
        Options = options;
        var connections = new ConnectionOptions { Redis = configuration };
        Connection = new RedisConnection(connections, options, TimeProvider.System, logger ?? NullLogger<RedisConnection>.Instance);
        Census = new ProcessCensus(Connection, options, TimeProvider.System);
        Links = new RedisLinkCache(Connection, options, NullLogger<RedisLinkCache>.Instance);
        Buckets = new RedisBuckets(Connection, Census, options);
        Keys = new RedisKeyPool(Connection, options, new RegionOptions());
    }

    public RedisOptions Options { get; }

    public RedisConnection Connection { get; }

    public ProcessCensus Census { get; }

    public RedisLinkCache Links { get; }

    public RedisBuckets Buckets { get; }

    public RedisKeyPool Keys { get; }

    public IDatabase Database => Connection.Multiplexer!.GetDatabase();

    /// <summary>Patient by default: contracts are tested on machines that are busy with other tests.</summary>
    public static RedisOptions NewOptions(TimeSpan? timeout = null) =>
        new()
        {
            KeyPrefix = $"test-{Guid.NewGuid().ToString("N")[..12]}",
            Timeout = timeout ?? TimeSpan.FromSeconds(5),
            BreakDuration = TimeSpan.FromMilliseconds(500),
        };

    /// <summary>Connects and waits until it is done.</summary>
    public static async Task<RedisClient> ConnectAsync(RedisServers servers, RedisKind kind, RedisOptions? options = null)
    {
        var client = await StartAsync(kind == RedisKind.Standalone ? servers.Standalone.Configuration : servers.Cluster.Configuration, options ?? NewOptions());
        // A cluster takes calls for every key only when all of its masters are connected.
        var masters = kind == RedisKind.Standalone ? 1 : RedisCluster.Masters;
        await Eventually.HoldsAsync(() =>
            client.Connection.Multiplexer is { } multiplexer && multiplexer.GetServers().Count(server => server.IsConnected && !server.IsReplica) >= masters
        );
        return client;
    }

    /// <summary>Connects in the background, to servers that need not be there.</summary>
    public static async Task<RedisClient> StartAsync(string configuration, RedisOptions options, ILogger<RedisConnection>? logger = null)
    {
        var client = new RedisClient(configuration, options, logger);
        await client.Connection.StartAsync(TestContext.Current.CancellationToken);
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        Census.Dispose();
        await Connection.DisposeAsync();
    }
}
