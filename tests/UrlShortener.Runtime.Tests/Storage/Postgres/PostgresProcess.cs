using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.Postgres;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

/// <summary>A database as one process has it.</summary>
internal sealed class PostgresProcess : IAsyncDisposable
{
    private readonly PostgresHosts _hosts;
    private readonly PostgresMigrations _migrations;
    private readonly PostgresHealth _health;

    public PostgresProcess(ConnectionOptions connections, PostgresOptions options, RememberedNames names)
    {
        var cancellations = new PostgresCancellations(NullLogger<PostgresCancellations>.Instance);
        _hosts = new PostgresHosts(connections, options, names, cancellations, TimeProvider.System);
        _hosts.Start();
        Database = new PostgresDatabase(_hosts, cancellations, options, TimeProvider.System, NullLogger<PostgresDatabase>.Instance);
        _migrations = new PostgresMigrations(_hosts, options, TimeProvider.System, NullLogger<PostgresMigrations>.Instance);
        _health = new PostgresHealth(Database, NullLogger<PostgresHealth>.Instance);
    }

    public PostgresDatabase Database { get; }

    public static implicit operator PostgresDatabase(PostgresProcess process) => process.Database;

    public void Migrate() => _migrations.Migrate();

    public bool Prepare(bool isDevelopment) => _migrations.Prepare(isDevelopment);

    public Task<StoreState> CheckAsync(CancellationToken cancellationToken) => _health.CheckAsync(cancellationToken);

    public ValueTask DisposeAsync() => _hosts.DisposeAsync();
}
