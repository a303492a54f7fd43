using Microsoft.Data.Sqlite;
using UrlShortener.Runtime.Links;

namespace UrlShortener.Runtime.Storage.Sqlite;

/// <summary>A connection and its prepared statements. Used by one thread at a time. Parameters are written <c>$1</c>, <c>$2</c> and so on.</summary>
internal sealed class SqliteSession : IDisposable
{
    // Statement texts are constants and a few combinations of filters. More than this means that some code builds texts from data.
    private const int MaxStatements = 256;

    /// <summary>SQL function: <see cref="LinkMetadata.ScalarOf"/>. SQLite's own function would change how numbers are written.</summary>
    public const string MetadataFunction = "link_metadata_scalar";

    /// <summary>SQL function: <see cref="IsTimeOver"/>.</summary>
    public const string TimeFunction = "time_is_over";

    private readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);
    private readonly SqliteConnection _connection;

    public SqliteSession(string connectionString, bool readOnly)
    {
        _connection = new SqliteConnection(connectionString);
        _connection.Open();
        _connection.CreateFunction<string, string, string?>(MetadataFunction, LinkMetadata.ScalarOf, isDeterministic: true);
        _connection.CreateFunction(TimeFunction, () => IsTimeOver());
        // FULL: a commit is on disk before it is acknowledged, so it survives a power failure.
        Execute("PRAGMA synchronous = FULL");
        Execute("PRAGMA foreign_keys = ON");
        Execute("PRAGMA temp_store = MEMORY");
        // 32 MB. Each checkpoint waits for the disk, and under load the default of 4 MB fills in a fraction of a second.
        Execute("PRAGMA wal_autocheckpoint = 8192");
        // KiB. If a transaction changes more pages than the cache holds, SQLite writes some of them several times. Queries can rely on the system's cache.
        Execute(readOnly ? "PRAGMA cache_size = -2000" : "PRAGMA cache_size = -4000");
        if (readOnly)
            Execute("PRAGMA query_only = ON");
        // Overwrite deleted data, because it may be about visitors.
        else
            Execute("PRAGMA secure_delete = ON");
    }

    /// <summary>Tells a query that uses <see cref="TimeFunction"/> whether its time is over. Set by whoever runs such a query.</summary>
    public Func<bool> IsTimeOver { get; set; } = static () => false;

    /// <summary>Runs a statement; returns the number of rows it changed.</summary>
    public int Execute(string sql, params ReadOnlySpan<object?> values) => Bind(sql, values).ExecuteNonQuery();

    /// <summary>Runs a query that returns one value; null if it returns no row or NULL.</summary>
    public object? Scalar(string sql, params ReadOnlySpan<object?> values) => Bind(sql, values).ExecuteScalar() is { } value and not DBNull ? value : null;

    /// <summary>Runs a query and reads every row.</summary>
    public List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<object?> values) => ReadAll(Bind(sql, values), read);

    /// <summary>Runs a query without keeping it prepared, for texts with many variants, such as those with filters.</summary>
    /// <param name="sql">The query.</param>
    /// <param name="read">Takes a row; false: no further row is needed.</param>
    /// <param name="values">Parameters.</param>
    public void ReadOnce(string sql, Func<SqliteDataReader, bool> read, params ReadOnlySpan<object?> values)
    {
        using var command = NewCommand(sql, values.Length);
        using var reader = Set(command, values).ExecuteReader();
        while (reader.Read() && read(reader)) { }
    }

    /// <summary>Returns the prepared statement for a text, with its values set. For callers that run it many times.</summary>
    public SqliteCommand Bind(string sql, params ReadOnlySpan<object?> values)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            if (_commands.Count == MaxStatements)
                throw new InvalidOperationException($"More than {MaxStatements} distinct statements on one connection: values belong in parameters.");
            command = NewCommand(sql, values.Length);
            _commands.Add(sql, command);
        }

        return Set(command, values);
    }

    /// <summary>The bytes of a column where SQLite has them, until the next row is read. The reader would copy them into an array for each row.</summary>
    public static ReadOnlySpan<byte> BytesOf(SqliteDataReader row, int column) => SQLitePCL.raw.sqlite3_column_blob(row.Handle, column);

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var command in _commands.Values)
            command.Dispose();
        _connection.Dispose();
    }

    private static SqliteCommand Set(SqliteCommand command, ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        return command;
    }

    private static List<T> ReadAll<T>(SqliteCommand command, Func<SqliteDataReader, T> read)
    {
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    }

    private SqliteCommand NewCommand(string sql, int parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 1; i <= parameters; i++)
            command.Parameters.Add(new SqliteParameter { ParameterName = $"${i}" });
        return command;
    }
}
