using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Prometheus;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// The partitions of links (one per month) and clicks (one per day). They are created ahead of time, so that no insert finds its partition missing, and dropped
/// when the retention of all their rows has ended. Bounds are UTC.
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

    /// <summary>Creates missing partitions, from the previous period to the configured number ahead. Only one process does it at a time; returns false if
    /// another process is doing it.</summary>
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
    /// Builds indexes that the table has and partitions lack, one after the other and concurrently with writes. Building an index on the whole table would
    /// block writes for its whole duration. The index of an interrupted build is built again. The connection must not be in a transaction, and the caller must
    /// not hold one open elsewhere: such a build waits for all transactions that began before it.
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
                // A small index is built so quickly that it may block writes.
                Execute(connection, $"CREATE INDEX {(isSmall ? "" : "CONCURRENTLY")} {name} ON {partition} {columns}");
                Execute(connection, $"ALTER INDEX {index} ATTACH PARTITION {name}");
            }
        }
        finally
        {
            Try(connection, "SELECT pg_advisory_unlock($1)", PartitionLock);
        }
    }

    /// <summary>Runs work of this class on a dedicated thread: it may take long, and a server that hangs would block a thread of the thread pool.</summary>
    public static Task<T> RunAsync<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Records how many partitions are ready ahead of time.</summary>
    public static void Measure(NpgsqlConnection connection, DateTimeOffset now)
    {
        Ahead.WithLabels(Urls).Set(Names(connection, Urls).Count(name => string.CompareOrdinal(name, NameOf(Urls, now, "yyyy_MM")) > 0));
        Ahead.WithLabels(Clicks).Set(Names(connection, Clicks).Count(name => string.CompareOrdinal(name, NameOf(Clicks, now, "yyyy_MM_dd")) > 0));
    }

    /// <summary>Drops the partitions of clicks that ended before a moment. Returns how many it dropped.</summary>
    public static int DropClicksBefore(NpgsqlConnection connection, DateTimeOffset moment, int limit)
    {
        // The day that contains the moment is not over yet.
        var first = NameOf(Clicks, moment, "yyyy_MM_dd");
        var dropped = 0;
        foreach (var name in Names(connection, Clicks).Where(name => string.CompareOrdinal(name, first) < 0).Take(limit))
        {
            // The drop briefly locks the whole table. If the lock is not free at once, give up and try again later, because every query would queue behind it.
            ExecuteInTransaction(connection, $"SET LOCAL lock_timeout = '200ms'; DROP TABLE {name}");
            dropped++;
        }

        return dropped;
    }

    /// <summary>Returns the names of a table's partitions with bounds, ascending.</summary>
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

        // Creates the partition separately and attaches it when it is complete. Rows of this period in the default partition are moved first.
        // fillfactor: counts of clicks are updated in place if the page has space.
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

    // Names and definitions come from the database itself, so it is safe to insert them into SQL text.
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

    // No time limit: the statement does not wait for requests, and no request waits for it.
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
