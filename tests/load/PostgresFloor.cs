using System.Diagnostics;
using Npgsql;
using NpgsqlTypes;

namespace UrlShortener.Load;

/// <summary>Bare statements on the PostgreSQL that the product uses, on plain tables, through the same driver: the least that its work must pay.</summary>
internal sealed class PostgresFloor : IAsyncDisposable
{
    private const string Url = "https://example.com/load/000000000000";

    private readonly NpgsqlDataSource _source;
    private readonly NpgsqlConnection[] _connections;
    private int _position;

    private PostgresFloor(NpgsqlDataSource source, int connections)
    {
        _source = source;
        _connections = new NpgsqlConnection[connections];
    }

    /// <summary>Opens connections, one for each loop of a load, and makes the tables.</summary>
    public static async Task<PostgresFloor> OpenAsync(string connectionString, int connections, CancellationToken cancellationToken)
    {
        var builder = new NpgsqlDataSourceBuilder(connectionString);
        builder.ConnectionStringBuilder.MaxPoolSize = connections;
        builder.ConnectionStringBuilder.MaxAutoPrepare = 10;
        builder.ConnectionStringBuilder.AutoPrepareMinUsages = 1;
        var floor = new PostgresFloor(builder.Build(), connections);
        try
        {
            for (var i = 0; i < connections; i++)
                floor._connections[i] = await floor._source.OpenConnectionAsync(cancellationToken);
            await floor.ExecuteAsync(
                """
                CREATE TABLE IF NOT EXISTS floor_links (short_code varchar(36) COLLATE "C" PRIMARY KEY, original_url text NOT NULL);
                CREATE TABLE IF NOT EXISTS floor_keys (short_code varchar(10) COLLATE "C" NOT NULL, batch_id integer NOT NULL);
                """,
                cancellationToken
            );
            return floor;
        }
        catch
        {
            await floor.DisposeAsync();
            throw;
        }
    }

    /// <summary>Puts links into the table that <see cref="SelectAsync"/> reads.</summary>
    public async Task FillAsync(IReadOnlyList<string> codes, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("INSERT INTO floor_links SELECT code, $2 FROM unnest($1::text[]) AS code", _connections[0])
        {
            Parameters =
            {
                new() { Value = codes.ToArray() },
                new() { Value = Url },
            },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
        await ExecuteAsync("VACUUM ANALYZE floor_links", cancellationToken);
    }

    /// <summary>A prepared SELECT of one row by its primary key.</summary>
    public async Task<Measurement> SelectAsync(IReadOnlyList<string> codes, LoadProfile load, CancellationToken cancellationToken)
    {
        var misses = 0;
        var measurement = await DriverLoad.MeasureAsync(
            load,
            async (loop, token) =>
            {
                await using var command = new NpgsqlCommand("SELECT original_url FROM floor_links WHERE short_code = $1", _connections[loop])
                {
                    Parameters = { new() { Value = codes[(int)((uint)Interlocked.Increment(ref _position) % codes.Count)] } },
                };
                if (await command.ExecuteScalarAsync(token) is not string)
                    Interlocked.Increment(ref misses);
            },
            cancellationToken
        );
        return measurement with { BadStatuses = misses };
    }

    /// <summary>A prepared INSERT of so many rows with random primary keys, each statement with its own durable commit.</summary>
    public Task<Measurement> InsertAsync(int rows, LoadProfile load, CancellationToken cancellationToken) =>
        DriverLoad.MeasureAsync(
            load,
            async (loop, token) =>
            {
                var codes = new string[rows];
                for (var i = 0; i < rows; i++)
                    codes[i] = Guid.NewGuid().ToString();
                await using var command = new NpgsqlCommand("INSERT INTO floor_links SELECT code, $2 FROM unnest($1::text[]) AS code", _connections[loop])
                {
                    Parameters =
                    {
                        new() { Value = codes },
                        new() { Value = Url },
                    },
                };
                await command.ExecuteNonQueryAsync(token);
            },
            cancellationToken
        );

    /// <summary>Rows a second that COPY takes into a table without an index, in batches with a durable commit each, over so many connections at the same
    /// time.</summary>
    public async Task<double> CopyAsync(IReadOnlyList<string> codes, int batch, int connections, CancellationToken cancellationToken)
    {
        await ExecuteAsync("TRUNCATE floor_keys", cancellationToken);
        var batches = codes.Chunk(batch).ToArray();
        var next = -1;
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(
            _connections
                .Take(connections)
                .Select(connection =>
                    Task.Run(
                        async () =>
                        {
                            int index;
                            while ((index = Interlocked.Increment(ref next)) < batches.Length)
                                await CopyAsync(connection, batches[index], index, cancellationToken);
                        },
                        cancellationToken
                    )
                )
        );
        return codes.Count / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections)
        {
            if (connection is not null)
                await connection.DisposeAsync();
        }

        await _source.DisposeAsync();
    }

    private static async Task CopyAsync(NpgsqlConnection connection, string[] codes, int number, CancellationToken cancellationToken)
    {
        await using var writer = await connection.BeginBinaryImportAsync(
            "COPY floor_keys (short_code, batch_id) FROM STDIN (FORMAT BINARY)",
            cancellationToken
        );
        foreach (var code in codes)
        {
            await writer.StartRowAsync(cancellationToken);
            await writer.WriteAsync(code, NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(number, NpgsqlDbType.Integer, cancellationToken);
        }

        await writer.CompleteAsync(cancellationToken);
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, _connections[0]);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
