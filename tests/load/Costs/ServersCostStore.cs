using System.Globalization;
using Npgsql;
using StackExchange.Redis;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.Load.Costs;

/// <summary>A database of PostgreSQL and a Redis Cluster.</summary>
internal sealed class ServersCostStore(Backends backends, Installation installation, ConnectionMultiplexer redis) : ICostStore
{
    // Partitions count as their table.
    private const string Sizes = """
        SELECT substring(relname FROM '^(urls|kgs_keys|click_events|click_[a-z_]+)'), sum(pg_total_relation_size(oid))::bigint
        FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace GROUP BY 1
        """;

    /// <inheritdoc />
    public string Name => "PostgreSQL and Redis";

    /// <summary>Starts the servers.</summary>
    public static async Task<ServersCostStore> StartAsync(string? product, CancellationToken cancellationToken)
    {
        var backends = await Backends.StartAsync(product, cancellationToken);
        try
        {
            var installation = await backends.InstallAsync("cost", cancellationToken);
            var options = ConfigurationOptions.Parse(backends.Redis);
            options.AllowAdmin = true;
            return new ServersCostStore(backends, installation, await ConnectionMultiplexer.ConnectAsync(options));
        }
        catch
        {
            await backends.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc />
    public Task<Product> StartAsync(CancellationToken cancellationToken) => installation.StartAsync(cancellationToken);

    /// <inheritdoc />
    public CpuTimes ReadCpu(Product product) =>
        new(
            product.Server.CpuTime,
            Sum(backends.PostgresProcesses.SelectMany(postmaster => ProcFiles.ReadChildren(postmaster).Append(postmaster))),
            Sum(backends.RedisProcesses)
        );

    /// <inheritdoc />
    public async Task<StoredBytes> ReadBytesAsync(CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(installation.Postgres);
        var tables = new Dictionary<string, long>(StringComparer.Ordinal);
        await using (var command = source.CreateCommand(Sizes))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
                tables[reader.IsDBNull(0) ? "other tables" : reader.GetString(0)] = reader.GetInt64(1);
        }

        await using var wal = source.CreateCommand("SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint");
        var position = (long)(await wal.ExecuteScalarAsync(cancellationToken))!;
        var masters = redis.GetServers().Where(server => !server.IsReplica).ToList();
        var memory = await Task.WhenAll(masters.Select(ReadMemoryAsync));
        var keys = await Task.WhenAll(masters.Select(server => server.DatabaseSizeAsync()));
        return new StoredBytes(tables, position, memory.Sum(), keys.Sum());
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await redis.DisposeAsync();
        await backends.DisposeAsync();
    }

    private static async Task<long> ReadMemoryAsync(IServer server)
    {
        var memory = await server.InfoAsync("memory");
        return long.Parse(memory.SelectMany(group => group).First(pair => pair.Key == "used_memory_dataset").Value, CultureInfo.InvariantCulture);
    }

    private static TimeSpan Sum(IEnumerable<int> processes) => processes.Aggregate(TimeSpan.Zero, (sum, process) => sum + ProcFiles.ReadCpuTime(process));
}
