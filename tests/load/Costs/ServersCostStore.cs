using Npgsql;
using StackExchange.Redis;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.Load.Costs;

/// <summary>A database of PostgreSQL and a Redis Cluster.</summary>
internal sealed class ServersCostStore(Backends backends, Installation installation, ConnectionMultiplexer redis) : ICostStore
{
    private const int Samples = 200;

    // Partitions count as their table.
    private const string Sizes = """
        SELECT coalesce(pg_partition_root(oid), oid)::regclass::text, sum(pg_total_relation_size(oid))::bigint
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
                tables[reader.GetString(0)] = reader.GetInt64(1);
        }

        await using var wal = source.CreateCommand("SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint");
        var position = (long)(await wal.ExecuteScalarAsync(cancellationToken))!;
        return new StoredBytes(tables, position);
    }

    /// <inheritdoc />
    public async Task<EntryBytes?> ReadEntriesAsync(CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(installation.Postgres);
        await using var keys = source.CreateCommand("SELECT count(*) FROM kgs_keys");
        var claimed = (double)(long)(await keys.ExecuteScalarAsync(cancellationToken))!;
        var registry = (await ReadBytesAsync(cancellationToken)).Tables["kgs_keys"];
        var (links, pooled, pool) = (new List<long>(), 0L, 0L);
        foreach (var server in redis.GetServers().Where(server => !server.IsReplica))
        {
            var sampled = 0;
            await foreach (var key in server.KeysAsync(pattern: installation.Name + ":*").WithCancellation(cancellationToken))
            {
                if (key.ToString().Contains(":link:", StringComparison.Ordinal))
                {
                    if (sampled++ < Samples)
                        links.Add(await ReadUsageAsync(key));
                }
                else if (
                    await redis.GetDatabase().KeyTypeAsync(key) == RedisType.Set
                    && await redis.GetDatabase().SetLengthAsync(key) is > 1_000 and var length
                )
                {
                    (pooled, pool) = (pooled + length, pool + await ReadUsageAsync(key));
                }
            }
        }

        return new EntryBytes(registry / Math.Max(1, claimed), pool / Math.Max(1.0, pooled), links.DefaultIfEmpty().Average());
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await redis.DisposeAsync();
        await backends.DisposeAsync();
    }

    // All elements of a set are counted, not some of them.
    private async Task<long> ReadUsageAsync(RedisKey key) => (long)await redis.GetDatabase().ExecuteAsync("MEMORY", "USAGE", key, "SAMPLES", "0");

    private static TimeSpan Sum(IEnumerable<int> processes) => processes.Aggregate(TimeSpan.Zero, (sum, process) => sum + ProcFiles.ReadCpuTime(process));
}
