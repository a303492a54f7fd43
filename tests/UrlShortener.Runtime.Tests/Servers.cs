using UrlShortener.Runtime.Tests;
using UrlShortener.TestServers;
using UrlShortener.TestServers.ClickHouse;
using UrlShortener.TestServers.Postgres;
using Xunit;

[assembly: AssemblyFixture(typeof(Servers))]

namespace UrlShortener.Runtime.Tests;

/// <summary>Real servers for the whole run, each started when a test first asks for it. Tests keep apart by database.</summary>
public sealed class Servers : IAsyncLifetime
{
    private readonly Lazy<Task<PostgresCluster>> _postgres = new(() =>
        PostgresCluster.StartAsync(new PostgresClusterOptions { Replicas = 1, Synchronous = true }, CancellationToken.None)
    );

    private readonly Lazy<Task<ClickHouseServer>> _clickHouse = new(() => ClickHouseServer.StartAsync(CancellationToken.None));

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_postgres is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            await (await _postgres.Value).DisposeAsync();
        if (_clickHouse is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            await (await _clickHouse.Value).DisposeAsync();
    }

    /// <summary>A primary with a replica. Skips the test, and says why, where it cannot be had.</summary>
    internal Task<PostgresCluster> GetPostgresAsync() => OrSkipAsync(_postgres.Value);

    /// <summary>ClickHouse. Skips the test, and says why, where it cannot be had. Tests that stop it start one of their own.</summary>
    internal Task<ClickHouseServer> GetClickHouseAsync() => OrSkipAsync(_clickHouse.Value);

    private static async Task<T> OrSkipAsync<T>(Task<T> server)
    {
        try
        {
            return await server;
        }
        catch (ServerUnavailableException error)
        {
            Assert.Skip(error.Message);
            throw;
        }
    }
}
