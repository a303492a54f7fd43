using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.Postgres;
using UrlShortener.Runtime.Tests.Regions;
using UrlShortener.TestServers.Postgres;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

/// <summary>A database of its own, shared by the tests of a class and dropped after them.</summary>
public sealed class PostgresStores(Servers servers) : IAsyncLifetime
{
    private readonly List<IAsyncDisposable> _owned = [];
    private PostgresCluster? _cluster;
    private string? _name;
    private PostgresProcess? _database;
    private Stores? _stores;
    private Stores? _onPrimary;

    internal KeyEpoch Epoch { get; } = new();

    internal string ConnectionString { get; private set; } = "";

    internal PostgresCluster Cluster => _cluster ?? throw new InvalidOperationException("The servers are not started yet.");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in Enumerable.Reverse(_owned))
            await owned.DisposeAsync();
        if (_name is not null)
            await Cluster.DropDatabaseAsync(_name, CancellationToken.None);
    }

    /// <summary>The stores, migrated.</summary>
    internal async ValueTask<Stores> OpenAsync()
    {
        if (_stores is not null)
            return _stores;
        _database = await NewDatabaseAsync();
        _database.Migrate();
        return _stores = StoresOf(_database);
    }

    /// <summary>The same, asking the primary alone.</summary>
    internal async ValueTask<Stores> OpenOnPrimaryAsync()
    {
        await OpenAsync();
        return _onPrimary ??= StoresOf(await NewDatabaseAsync(new PostgresOptions { ReadFromReplicas = false }));
    }

    /// <summary>The database behind <see cref="OpenAsync"/>.</summary>
    internal async ValueTask<PostgresProcess> OpenDatabaseAsync()
    {
        await OpenAsync();
        return _database!;
    }

    /// <summary>Another process' view of the database, not migrated.</summary>
    internal async Task<PostgresProcess> NewDatabaseAsync(PostgresOptions? options = null)
    {
        _cluster ??= await servers.GetPostgresAsync();
        if (_name is null)
        {
            _name = $"t{Guid.NewGuid():N}";
            var given = await _cluster.CreateDatabaseAsync(_name, TestContext.Current.CancellationToken);
            // What was written is there for whoever asks the replica next, as the contract's tests do.
            ConnectionString = new NpgsqlConnectionStringBuilder(given) { Options = "-c synchronous_commit=remote_apply" }.ConnectionString;
        }

        var database = New(ConnectionString, options);
        _owned.Add(database);
        return database;
    }

    /// <summary>All stores of a database.</summary>
    internal Stores StoresOf(PostgresDatabase database, PostgresOptions? options = null)
    {
        var writer = new PostgresLinkWriter(database, Epoch, options ?? new PostgresOptions());
        _owned.Add(writer);
        var folder = new PostgresClickFolder(database, TimeProvider.System);
        var statistics = new PostgresStatistics(database, TimeProvider.System);
        return new Stores(
            new PostgresLinkStore(database, writer),
            new PostgresUserStore(database),
            new PostgresKeyStore(database),
            new FoldingClickSink(database, folder),
            new PostgresClickSalts(database, TestRegions.NewAccess()),
            new PostgresClickRetention(database, folder),
            statistics,
            statistics,
            new PostgresSingleClicks(database)
        );
    }

    /// <summary>Runs a statement on the primary, and returns when the replica has its effect.</summary>
    internal async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection($"{ConnectionString};Target Session Attributes=primary");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        // Statements of tests, on a database of their own.
#pragma warning disable CA2100
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await Cluster.WaitUntilReplicasCaughtUpAsync(TestContext.Current.CancellationToken);
    }

    internal static PostgresProcess New(string connectionString, PostgresOptions? options = null, string region = "local")
    {
        var names = new RememberedNames(TimeProvider.System, NullLogger<RememberedNames>.Instance);
        return new PostgresProcess(new ConnectionOptions { Postgres = connectionString }, options ?? new PostgresOptions(), names, region);
    }
}
