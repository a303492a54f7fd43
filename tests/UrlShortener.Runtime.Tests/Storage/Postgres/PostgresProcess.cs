using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.Postgres;
using UrlShortener.Runtime.Tests.Regions;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

/// <summary>A database as one process has it.</summary>
internal sealed class PostgresProcess : IAsyncDisposable
{
    private readonly PostgresHosts _hosts;
    private readonly PostgresMigrations _migrations;
    private readonly PostgresHealth _health;

    public PostgresProcess(ConnectionOptions connections, PostgresOptions options, RememberedNames names, string region = "local")
    {
        var cancellations = new PostgresCancellations(NullLogger<PostgresCancellations>.Instance);
        _hosts = new PostgresHosts(connections, options, names, cancellations, TimeProvider.System, access: Access);
        _hosts.Start();
        Database = new PostgresDatabase(_hosts, cancellations, options, Access, TimeProvider.System, NullLogger<PostgresDatabase>.Instance);
        WriteRegion = new PostgresWriteRegion(_hosts, cancellations, new RegionOptions { Name = region }, Access, options, TimeProvider.System);
        _migrations = new PostgresMigrations(_hosts, WriteRegion, options, TimeProvider.System, NullLogger<PostgresMigrations>.Instance);
        _health = new PostgresHealth(Database, Access, NullLogger<PostgresHealth>.Instance);
    }

    public PostgresDatabase Database { get; }

    public WriteAccess Access { get; } = TestRegions.NewAccess();

    public PostgresWriteRegion WriteRegion { get; }

    public static implicit operator PostgresDatabase(PostgresProcess process) => process.Database;

    public void Migrate() => _migrations.Migrate();

    public void Migrate(TimeSpan patience) => _migrations.Migrate(patience);

    public bool Prepare(bool isDevelopment) => _migrations.Prepare(isDevelopment);

    public Task<StoreState> CheckAsync(CancellationToken cancellationToken) => _health.CheckAsync(cancellationToken);

    public ValueTask DisposeAsync() => _hosts.DisposeAsync();
}
