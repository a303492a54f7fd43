using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.ClickHouse;
using Xunit;
using TestDatabase = UrlShortener.TestServers.ClickHouse.ClickHouseDatabase;

namespace UrlShortener.Runtime.Tests.Storage.ClickHouse;

/// <summary>A database of its own on the common ClickHouse, shared by the tests of a class and dropped after them.</summary>
public sealed class ClickHouseTables(Servers servers) : IAsyncLifetime
{
    private readonly List<IAsyncDisposable> _databases = [];
    private readonly List<IDisposable> _clients = [];
    private ClickHouseDatabase? _client;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            client.Dispose();
        foreach (var database in _databases)
            await database.DisposeAsync();
    }

    /// <summary>The migrated database of the class.</summary>
    internal async Task<ClickHouseDatabase> OpenAsync()
    {
        if (_client is not null)
            return _client;
        var (_, client) = await NewAsync();
        await Migrations(client).MigrateAsync(TestContext.Current.CancellationToken);
        return _client = client;
    }

    /// <summary>An empty database.</summary>
    internal async Task<(TestDatabase Server, ClickHouseDatabase Client)> NewAsync(ClickHouseOptions? options = null)
    {
        var server = await servers.GetClickHouseAsync();
        var database = await server.CreateDatabaseAsync("runtime", TestContext.Current.CancellationToken);
        _databases.Add(database);
        var client = New(database.ConnectionString, options);
        _clients.Add(client);
        return (database, client);
    }

    /// <summary>A client of a database.</summary>
    internal static ClickHouseDatabase New(string connectionString, ClickHouseOptions? options = null) =>
        New(new ConnectionOptions { ClickHouse = connectionString }, options, TimeProvider.System);

    /// <summary>A client of a database.</summary>
    internal static ClickHouseDatabase New(ConnectionOptions connections, ClickHouseOptions? options, TimeProvider time) =>
        new(
            connections,
            // On a busy machine a server that is well must not look ill.
            options ?? new ClickHouseOptions { ConnectTimeout = TimeSpan.FromSeconds(30), QueryTimeout = TimeSpan.FromMinutes(1) },
            new RememberedNames(TimeProvider.System, NullLogger<RememberedNames>.Instance),
            time,
            NullLogger<ClickHouseDatabase>.Instance
        );

    /// <summary>What migrates a database.</summary>
    internal static ClickHouseMigrations Migrations(ClickHouseDatabase client, ClickOptions? clicks = null, ClickHouseOptions? options = null) =>
        new(client, options ?? new ClickHouseOptions(), clicks ?? new ClickOptions(), NullLogger<ClickHouseMigrations>.Instance);
}
