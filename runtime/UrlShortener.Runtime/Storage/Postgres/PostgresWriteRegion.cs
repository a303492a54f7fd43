using Npgsql;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Regions;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Asks the region's database whether it takes writes, and which region does. Not safe for two looks at the same time.</summary>
internal sealed class PostgresWriteRegion(
    PostgresHosts hosts,
    PostgresCancellations cancellations,
    RegionOptions region,
    WriteAccess access,
    PostgresOptions options,
    TimeProvider time
)
{
    private const string State = "pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'";
    private const string FindTableSql = $"SELECT {State}, to_regclass('write_region') IS NOT NULL";

    private const string LookSql = $"""
        SELECT {State}, w.region, w.epoch, extract(epoch FROM clock_timestamp() - w.beat_at)::double precision
        FROM (SELECT 1) one LEFT JOIN write_region w ON true
        """;

    // Asking for a table that does not exist would fill the log of the server.
    private bool _hasTable;

    // Why the server that was asked first did not answer the last look.
    private Exception? _failure;

    /// <summary>Notes in <see cref="WriteAccess"/> what the database says. While nobody answers, what was known stays.</summary>
    /// <returns>Whether the state is known.</returns>
    public async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        _failure = null;
        if (await TryAskAsync(hosts.Newest, cancellationToken) is { } newest)
        {
            access.Note(newest.Decide(region.Name));
            return true;
        }

        // The host that was the primary does not answer. That is a failure in this region, unless the others follow another one by now.
        if (hosts.AreSeveral && await TryAskAsync(hosts.Replicas, cancellationToken) is { } near)
        {
            if (near.Decide(region.Name) is { Reason: ReadOnlyReason.Standby } standby)
            {
                access.Note(standby);
                return true;
            }
        }

        return false;
    }

    /// <summary>The same for a start and for commands, which wait for it.</summary>
    /// <returns>Why the region takes no changes, null: it does, or that is not known; and what the driver says if it is not known. The driver says it once: for
    /// a while, it then knows the servers as away.</returns>
    public (ReadOnlyRegion? ReadOnly, NpgsqlException? Failure) Look()
    {
        var isKnown = Task.Run(() => LookAsync(CancellationToken.None)).GetAwaiter().GetResult();
        return (access.ReadOnly, isKnown || access.IsReadOnly ? null : _failure as NpgsqlException);
    }

    private async Task<DatabaseLook?> TryAskAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.ConnectTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await cancellations.WithinAsync(token => AskAsync(source, token), both.Token);
        }
        // Catches everything: requests meet the same failure and report it, and pools may be replaced meanwhile.
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            _failure ??= error;
            return null;
        }
    }

    private async Task<DatabaseLook> AskAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        if (!_hasTable)
        {
            await using var find = new NpgsqlCommand(FindTableSql, connection);
            await using var found = await find.ExecuteReaderAsync(cancellationToken);
            await found.ReadAsync(cancellationToken);
            _hasTable = found.GetBoolean(2);
            if (!_hasTable)
                return new DatabaseLook(found.GetBoolean(0), found.GetBoolean(1), Row: null);
        }

        try
        {
            await using var look = new NpgsqlCommand(LookSql, connection);
            await using var reader = await look.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            var row = await reader.IsDBNullAsync(2, cancellationToken)
                ? null
                : new WriteRegionRow(reader.GetString(2), reader.GetInt64(3), TimeSpan.FromSeconds(reader.GetDouble(4)));
            return new DatabaseLook(reader.GetBoolean(0), reader.GetBoolean(1), row);
        }
        // An older database was put in its place.
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            _hasTable = false;
            // The driver may be left in the middle of preparing the statement.
            NpgsqlConnection.ClearPool(connection);
            throw;
        }
    }
}
