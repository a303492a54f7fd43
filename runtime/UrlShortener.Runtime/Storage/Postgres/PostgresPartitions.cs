using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Prometheus;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// The partitions of links (a month each) and clicks (a day each): made ahead, so that no insert ever meets a missing one, and dropped when all in them has
/// served its time. Bounds are UTC.
/// </summary>
internal static class PostgresPartitions
{
    private const long PartitionLock = 0x75726C74;
    private const string Urls = "urls";
    private const string Clicks = "click_events";

    private static readonly Gauge Ahead = Metrics.CreateGauge(
        "shortener_partitions_ahead",
        "Partitions that are ready after the current one. At 0, rows are about to land in the default partition.",
        "table"
    );

    /// <summary>Makes what is missing from the period before this one to the configured number ahead. One process at a time does it; returns false when another
    /// is at it.</summary>
    public static bool Ensure(NpgsqlConnection connection, DateTimeOffset now, PostgresOptions options)
    {
        if (!Try(connection, "SELECT pg_try_advisory_lock($1)", PartitionLock))
            return false;
        try
        {
            var today = DateOnly.FromDateTime(now.UtcDateTime);
            var month = new DateOnly(today.Year, today.Month, 1);
            for (var i = -1; i <= options.MonthsAhead; i++)
                EnsureOne(connection, Urls, "created_at", month.AddMonths(i), month.AddMonths(i + 1), "yyyy_MM");
            for (var i = -1; i <= options.DaysAhead; i++)
                EnsureOne(connection, Clicks, "clicked_at", today.AddDays(i), today.AddDays(i + 1), "yyyy_MM_dd");
        }
        finally
        {
            Try(connection, "SELECT pg_advisory_unlock($1)", PartitionLock);
        }

        return true;
    }

    /// <summary>
    /// Builds what partitions lack of an index that their table has, one after the other and beside ongoing writes: an index of the whole table would stop
    /// them for as long as it takes. What a build that was cut off left behind is built again. The connection must be in no transaction, nor may the caller
    /// hold one open elsewhere: such a build waits for all that began before it.
    /// </summary>
    public static void EnsureIndexes(NpgsqlConnection connection)
    {
        if (!Try(connection, "SELECT pg_try_advisory_lock($1)", PartitionLock))
            return;
        try
        {
            foreach (var (index, partition, columns, isSmall) in MissingIndexes(connection))
            {
                var name = $"{partition}{index["idx_urls".Length..]}";
                Execute(connection, $"DROP INDEX IF EXISTS {name}");
                // A small one is built before anybody notices.
                Execute(connection, $"CREATE INDEX {(isSmall ? "" : "CONCURRENTLY")} {name} ON {partition} {columns}");
                Execute(connection, $"ALTER INDEX {index} ATTACH PARTITION {name}");
            }
        }
        finally
        {
            Try(connection, "SELECT pg_advisory_unlock($1)", PartitionLock);
        }
    }

    /// <summary>Runs work of this class on a thread of its own: it may take long, and a server that hangs would block one of the pool.</summary>
    public static Task<T> RunAsync<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Takes note of how many partitions are ready ahead.</summary>
    public static void Measure(NpgsqlConnection connection, DateTimeOffset now)
    {
        Ahead.WithLabels(Urls).Set(Names(connection, Urls).Count(name => string.CompareOrdinal(name, NameOf(Urls, now, "yyyy_MM")) > 0));
        Ahead.WithLabels(Clicks).Set(Names(connection, Clicks).Count(name => string.CompareOrdinal(name, NameOf(Clicks, now, "yyyy_MM_dd")) > 0));
    }

    /// <summary>Drops the partitions of clicks that ended before a moment; returns how many.</summary>
    public static int DropClicksBefore(NpgsqlConnection connection, DateTimeOffset moment, int limit)
    {
        // The day of the moment itself is not over yet.
        var first = NameOf(Clicks, moment, "yyyy_MM_dd");
        var dropped = 0;
        foreach (var name in Names(connection, Clicks).Where(name => string.CompareOrdinal(name, first) < 0).Take(limit))
        {
            // It needs the whole table for an instant. Whoever cannot have it at once tries again later, rather than have every query queue up behind.
            ExecuteInTransaction(connection, $"SET LOCAL lock_timeout = '200ms'; DROP TABLE {name}");
            dropped++;
        }

        return dropped;
    }

    /// <summary>Names of a table's partitions with bounds, ascending.</summary>
    public static IReadOnlyList<string> Names(NpgsqlConnection connection, string table)
    {
        using var command = new NpgsqlCommand(
            "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::text::regclass AND c.relname NOT "
                + "LIKE '%default' ORDER BY c.relname COLLATE \"C\"",
            connection
        )
        {
            Parameters = { new() { Value = table } },
        };
        using var reader = command.ExecuteReader();
        var names = new List<string>();
        while (reader.Read())
            names.Add(reader.GetString(0));
        return names;
    }

    private static void EnsureOne(NpgsqlConnection connection, string table, string column, DateOnly from, DateOnly to, string format)
    {
        var name = $"{table}_{from.ToString(format, CultureInfo.InvariantCulture)}";
        using (var exists = new NpgsqlCommand("SELECT to_regclass($1::text) IS NOT NULL", connection) { Parameters = { new() { Value = name } } })
        {
            if (exists.ExecuteScalar() is true)
                return;
        }

        // Made beside the table and attached when it is complete; what lies in the default partition for this period moves over first.
        // fillfactor: counts of clicks are updated in place where the page has room.
        var (lower, upper) = ($"'{from:yyyy-MM-dd} 00:00:00+00'", $"'{to:yyyy-MM-dd} 00:00:00+00'");
        ExecuteInTransaction(
            connection,
            $"""
            SET LOCAL lock_timeout = '2s';
            CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) WITH (fillfactor = 90);
            LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE;
            WITH moved AS (DELETE FROM {table}_default WHERE {column} >= {lower} AND {column} < {upper} RETURNING *) INSERT INTO {name} SELECT * FROM moved;
            ALTER TABLE {name} ADD CONSTRAINT {name}_bounds CHECK ({column} >= {lower} AND {column} < {upper});
            ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({lower}) TO ({upper});
            ALTER TABLE {name} DROP CONSTRAINT {name}_bounds
            """
        );
    }

    private static string NameOf(string table, DateTimeOffset moment, string format) =>
        $"{table}_{moment.UtcDateTime.ToString(format, CultureInfo.InvariantCulture)}";

    private static bool Try(NpgsqlConnection connection, string sql, long value)
    {
        using var command = new NpgsqlCommand(sql, connection)
        {
            Parameters =
            {
                new() { Value = value, NpgsqlDbType = NpgsqlDbType.Bigint },
            },
        };
        return command.ExecuteScalar() is true;
    }

    // Names and definitions are the database's own.
    private static List<(string Index, string Partition, string Columns, bool IsSmall)> MissingIndexes(NpgsqlConnection connection)
    {
        using var command = new NpgsqlCommand(
            """
            SELECT i.indexrelid::regclass::text, p.inhrelid::regclass::text, substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*$'),
                pg_relation_size(p.inhrelid) < 8 * 1024 * 1024
            FROM pg_index i JOIN pg_inherits p ON p.inhparent = i.indrelid
            WHERE i.indrelid = 'urls'::regclass AND NOT i.indisvalid
                AND NOT EXISTS (SELECT 1 FROM pg_inherits a JOIN pg_index c ON c.indexrelid = a.inhrelid WHERE a.inhparent = i.indexrelid AND c.indrelid = p.inhrelid)
            ORDER BY 1, 2
            """,
            connection
        );
        using var reader = command.ExecuteReader();
        var missing = new List<(string, string, string, bool)>();
        while (reader.Read())
            missing.Add((reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetBoolean(3)));
        return missing;
    }

    // As long as it takes: it waits for nobody's requests, and nobody waits for it.
    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        command.ExecuteNonQuery();
    }

    private static void ExecuteInTransaction(NpgsqlConnection connection, string sql)
    {
        using var transaction = connection.BeginTransaction();
        using (var command = new NpgsqlCommand(sql, connection, transaction) { CommandTimeout = 60 })
            command.ExecuteNonQuery();
        transaction.Commit();
    }
}
