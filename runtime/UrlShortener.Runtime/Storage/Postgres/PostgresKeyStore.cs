using Npgsql;
using NpgsqlTypes;
using UrlShortener.Runtime.Keys;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <inheritdoc cref="IKeyBatchStore" />
internal sealed class PostgresKeyStore(PostgresDatabase database) : IKeyClaims, IKeyBatchStore
{
    private const string CurrentEpoch = "(SELECT coalesce(max(epoch), 0) FROM kgs_epochs)";

    // Inserts in the order of the index, so that each of its pages is visited once.
    private const string InsertKeys = """
        INSERT INTO kgs_keys (short_code, batch_id)
        SELECT DISTINCT code, {0} FROM unnest($1::text[]) AS code ORDER BY code
        ON CONFLICT (short_code) DO NOTHING RETURNING short_code
        """;

    private const string CopyKeys = "COPY kgs_keys (short_code, batch_id) FROM STDIN (FORMAT BINARY)";

    // Once codes begin to collide, collisions continue. Most batches then use INSERT, which skips known codes. After this many, a batch tries COPY again.
    private const int InsertsAfterCollision = 20;

    private int _insertsLeft;

    // The first batch that this process added for itself.
    private int _firstBatch = int.MaxValue;

    /// <inheritdoc />
    public Task<IReadOnlyList<Key>> AddAsync(IReadOnlyList<string> codes, CancellationToken cancellationToken) =>
        codes.Count == 0
            ? Task.FromResult<IReadOnlyList<Key>>([])
            : database.WriteAsync<IReadOnlyList<Key>>(
                "keys",
                async (connection, token) =>
                {
                    await using var transaction = await connection.BeginTransactionAsync(token);
                    await using var begin = new NpgsqlCommand(
                        $"INSERT INTO kgs_batches (epoch, pooled_at) SELECT {CurrentEpoch}, now() RETURNING id, epoch",
                        connection,
                        transaction
                    );
                    int id,
                        epoch;
                    await using (var reader = await begin.ExecuteReaderAsync(token))
                    {
                        await reader.ReadAsync(token);
                        (id, epoch) = (reader.GetInt32(0), reader.GetInt32(1));
                    }

                    var added = (await InsertAsync(connection, id, codes, token)).ToHashSet(StringComparer.Ordinal);
                    await transaction.CommitAsync(token);
                    Interlocked.CompareExchange(ref _firstBatch, id, int.MaxValue);
                    // Keep the order of the input.
                    return [.. codes.Where(added.Remove).Select(code => new Key(code, epoch))];
                },
                cancellationToken
            );

    /// <inheritdoc />
    // Deletes only from batches that a process added for itself; codes in a region's pool belong to that pool. Codes of closed epochs stay, so that no alias
    // can take one of them. A row that is being claimed is skipped.
    public Task<int> DeleteLeftoversAsync(int limit, CancellationToken cancellationToken) =>
        database.WriteAsync(
            "leftovers",
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand(
                    $"""
                    WITH leftover AS MATERIALIZED (
                        SELECT k.short_code FROM kgs_batches b JOIN kgs_keys k ON k.batch_id = b.id AND k.is_used = false
                        WHERE b.region IS NULL AND b.id < $1 AND b.epoch = {CurrentEpoch} ORDER BY k.short_code LIMIT $2 FOR UPDATE OF k SKIP LOCKED
                    )
                    DELETE FROM kgs_keys USING leftover WHERE kgs_keys.short_code = leftover.short_code
                    """,
                    connection
                )
                {
                    Parameters =
                    {
                        new() { Value = Volatile.Read(ref _firstBatch) },
                        new() { Value = limit },
                    },
                };
                return await command.ExecuteNonQueryAsync(token);
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<int> ReadEpochAsync(CancellationToken cancellationToken) =>
        database.ReadPrimaryAsync(
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand($"SELECT {CurrentEpoch}", connection);
                return (int)(await command.ExecuteScalarAsync(token))!;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<int> OpenEpochAsync(int epoch, CancellationToken cancellationToken) =>
        database.WriteAsync(
            "epoch",
            async (connection, token) =>
            {
                // The first lock keeps claims from taking a batch number of the old epoch after the new epoch's first number is fixed. The second waits until
                // changes of the old epoch are committed, and blocks new ones until the end of this transaction: versions then follow the order of commits.
                await using var transaction = await connection.BeginTransactionAsync(token);
                await using var command = new NpgsqlCommand(
                    $"""
                    LOCK TABLE kgs_batches IN EXCLUSIVE MODE;
                    LOCK TABLE link_changes IN SHARE ROW EXCLUSIVE MODE;
                    INSERT INTO kgs_epochs (epoch, first_batch) SELECT $1, nextval(pg_get_serial_sequence('kgs_batches', 'id')) + 1 WHERE $1 > {CurrentEpoch};
                    SELECT {CurrentEpoch}
                    """.Replace("$1", "@epoch", StringComparison.Ordinal),
                    connection,
                    transaction
                )
                {
                    Parameters = { new("epoch", epoch) },
                };
                var current = (int)(await command.ExecuteScalarAsync(token))!;
                await transaction.CommitAsync(token);
                return current;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<KeyBatch?> ClaimAsync(string region, int epoch, IReadOnlyList<string> codes, CancellationToken cancellationToken) =>
        database.WriteAsync(
            "claim",
            async (connection, token) =>
            {
                // In nearly every batch, all codes are new. COPY needs less time and log than INSERT, but cannot skip a known code.
                if (Volatile.Read(ref _insertsLeft) > 0)
                {
                    Interlocked.Decrement(ref _insertsLeft);
                }
                else
                {
                    try
                    {
                        return await ClaimAsync(connection, region, epoch, codes, CopyAsync, token);
                    }
                    catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UniqueViolation)
                    {
                        Volatile.Write(ref _insertsLeft, InsertsAfterCollision);
                    }
                }

                return await ClaimAsync(connection, region, epoch, codes, InsertAsync, token);
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task MarkPooledAsync(int batchId, CancellationToken cancellationToken) =>
        database.WriteAsync(
            "pooled",
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand("UPDATE kgs_batches SET pooled_at = now() WHERE id = $1", connection)
                {
                    Parameters = { new() { Value = batchId } },
                };
                return await command.ExecuteNonQueryAsync(token);
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<KeyBatch?> AdoptAsync(string region, TimeSpan age, CancellationToken cancellationToken) =>
        database.WriteAsync(
            "adopt",
            async (connection, token) =>
            {
                await using var take = new NpgsqlCommand(
                    $"""
                    UPDATE kgs_batches SET claimed_at = clock_timestamp() WHERE id =
                        (SELECT id FROM kgs_batches WHERE region = $1 AND pooled_at IS NULL AND claimed_at < clock_timestamp() - $2 AND epoch = {CurrentEpoch}
                         ORDER BY claimed_at LIMIT 1 FOR UPDATE SKIP LOCKED)
                    RETURNING id, epoch
                    """,
                    connection
                )
                {
                    Parameters =
                    {
                        new() { Value = region },
                        new() { Value = age },
                    },
                };
                int id,
                    epoch;
                await using (var reader = await take.ExecuteReaderAsync(token))
                {
                    if (!await reader.ReadAsync(token))
                        return null;
                    (id, epoch) = (reader.GetInt32(0), reader.GetInt32(1));
                }

                await using var read = new NpgsqlCommand("SELECT short_code FROM kgs_keys WHERE is_used = false AND batch_id = $1", connection)
                {
                    Parameters = { new() { Value = id } },
                };
                return new KeyBatch(id, epoch, [.. await ReadCodesAsync(read, token)]);
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<long> EstimateCountAsync(CancellationToken cancellationToken) =>
        database.ReadNearAsync(
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand(
                    "SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE "
                        + "i.inhparent = 'kgs_keys'::regclass",
                    connection
                );
                return (long)(await command.ExecuteScalarAsync(token))!;
            },
            cancellationToken
        );

    private static async Task<KeyBatch?> ClaimAsync(
        NpgsqlConnection connection,
        string region,
        int epoch,
        IReadOnlyList<string> codes,
        Func<NpgsqlConnection, int, IReadOnlyList<string>, CancellationToken, Task<IReadOnlyList<string>>> add,
        CancellationToken cancellationToken
    )
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var begin = new NpgsqlCommand(
            $"INSERT INTO kgs_batches (region, epoch) SELECT $1, $2 WHERE $2 = {CurrentEpoch} RETURNING id",
            connection,
            transaction
        )
        {
            Parameters =
            {
                new() { Value = region },
                new() { Value = epoch },
            },
        };
        if (await begin.ExecuteScalarAsync(cancellationToken) is not int id)
            return null;
        var added = await add(connection, id, codes, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return new KeyBatch(id, epoch, added);
    }

    // Adds all codes or none.
    private static async Task<IReadOnlyList<string>> CopyAsync(
        NpgsqlConnection connection,
        int batch,
        IReadOnlyList<string> codes,
        CancellationToken cancellationToken
    )
    {
        await using var writer = await connection.BeginBinaryImportAsync(CopyKeys, cancellationToken);
        foreach (var code in codes.Order(StringComparer.Ordinal))
        {
            await writer.StartRowAsync(cancellationToken);
            await writer.WriteAsync(code, NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(batch, NpgsqlDbType.Integer, cancellationToken);
        }

        await writer.CompleteAsync(cancellationToken);
        return codes;
    }

    // Adds and returns the codes that are new.
    private static async Task<IReadOnlyList<string>> InsertAsync(
        NpgsqlConnection connection,
        int batch,
        IReadOnlyList<string> codes,
        CancellationToken cancellationToken
    )
    {
        await using var insert = new NpgsqlCommand(Insert("$2"), connection)
        {
            Parameters =
            {
                new() { Value = codes.ToArray() },
                new() { Value = batch },
            },
        };
        return [.. await ReadCodesAsync(insert, cancellationToken)];
    }

    private static string Insert(string batch) => InsertKeys.Replace("{0}", batch, StringComparison.Ordinal);

    private static async Task<HashSet<string>> ReadCodesAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var codes = new HashSet<string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
            codes.Add(reader.GetString(0));
        return codes;
    }
}
