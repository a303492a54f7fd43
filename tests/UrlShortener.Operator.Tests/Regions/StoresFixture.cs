using UrlShortener.Operator.Tests.Regions;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Redis;
using Xunit;

[assembly: AssemblyFixture(typeof(StoresFixture))]

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>The servers that regions stand on, for all tests; each test has a database and a prefix of its own. They start with the first of them.</summary>
public sealed class StoresFixture : IAsyncLifetime
{
    private readonly Lazy<Task<PostgresCluster>> _postgres = new(() =>
        PostgresCluster.StartAsync(new PostgresClusterOptions { MaxConnections = 400 }, CancellationToken.None)
    );
    private readonly Lazy<Task<RedisServer>> _redis = new(() => RedisServer.StartAsync(new RedisServerOptions(), CancellationToken.None));

    /// <summary>PostgreSQL; skips the test, with the reason, where none can be had.</summary>
    public Task<PostgresCluster> GetPostgresAsync() => Availability.OrSkipAsync(_postgres.Value);

    /// <summary>Redis, as the other one.</summary>
    public Task<RedisServer> GetRedisAsync() => Availability.OrSkipAsync(_redis.Value);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_postgres is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } postgres })
            await (await postgres).DisposeAsync();
        if (_redis is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } redis })
            await (await redis).DisposeAsync();
    }
}
