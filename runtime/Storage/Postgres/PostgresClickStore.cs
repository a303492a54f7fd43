using System.Security.Cryptography;
using Npgsql;
using NpgsqlTypes;
using UrlShortener.Runtime.Clicks;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <inheritdoc />
internal sealed class PostgresClickStore(PostgresDatabase database) : IClickStore
{
    private const int SaltBytes = 32;
    private const int TopEntries = 250;

    private const string CopySql =
        "COPY click_events (short_code, clicked_at, referrer, user_agent, ip_hash, country, city, source, device, is_bot) FROM STDIN (FORMAT binary)";

    // For the transaction. What the planner reckons of so many clicks makes it read all links and all codes ever claimed; code by code it is a few pages each.
    internal const string CodeByCodeSql =
        "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('enable_seqscan', 'off', true), "
        + "set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true)";

    // Each link is found in its partition through the registry. Clicks of links that are gone count nowhere. Shown by a test to read no table whole.
    internal const string CountSql =
        """
        WITH clicked AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::bigint[], $3::timestamptz[]) AS c (short_code, clicks, last_at)),
        link AS MATERIALIZED (
            SELECT u.id, u.created_at, clicked.clicks, clicked.last_at
            FROM clicked CROSS JOIN LATERAL (SELECT short_code, used_at FROM kgs_keys WHERE kgs_keys.short_code = clicked.short_code LIMIT 1) k
                CROSS JOIN LATERAL (SELECT id, created_at FROM urls WHERE urls.short_code = k.short_code AND urls.created_at = k.used_at LIMIT 1) u
            ORDER BY u.created_at, u.id
        )
        UPDATE urls u SET click_count = u.click_count + link.clicks, last_accessed_at = greatest(u.last_accessed_at, link.last_at)
        FROM link WHERE u.id = link.id AND u.created_at = link.created_at
        """;

    private const string Range = "FROM click_events WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3";

    // One round trip, five passes over the same pages.
    private static readonly string[] TotalsSql =
    [
        $"SELECT count(*) FILTER (WHERE NOT is_bot), count(DISTINCT ip_hash) FILTER (WHERE NOT is_bot AND ip_hash <> ''), count(*) FILTER (WHERE is_bot) {Range}",
        $"SELECT floor(extract(epoch FROM clicked_at) / {TimeSeries.QuarterSeconds})::bigint AS quarter, count(*) {Range} AND NOT is_bot GROUP BY quarter ORDER BY quarter",
        $"SELECT country, count(*) {Range} AND NOT is_bot GROUP BY country ORDER BY count(*) DESC, country COLLATE \"C\" NULLS FIRST LIMIT {TopEntries}",
        $"SELECT source, count(*) {Range} AND NOT is_bot GROUP BY source ORDER BY count(*) DESC, source COLLATE \"C\" NULLS FIRST LIMIT {TopEntries}",
        $"SELECT device, count(*) {Range} AND NOT is_bot GROUP BY device ORDER BY device",
    ];

    /// <inheritdoc />
    public async Task AppendAsync(Guid batch, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
    {
        if (clicks.Count == 0)
            return;
        await database.WriteAsync(
            "clicks",
            async (connection, token) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(token);
                await using var begin = new NpgsqlCommand("INSERT INTO click_batches (id) VALUES ($1) ON CONFLICT DO NOTHING", connection) { Parameters = { new() { Value = batch } } };
                if (await begin.ExecuteNonQueryAsync(token) == 0)
                    return false;
                await CopyAsync(connection, clicks, token);
                await CountAsync(connection, clicks, token);
                await transaction.CommitAsync(token);
                return true;
            },
            cancellationToken);
    }

    /// <inheritdoc />
    public Task<ClickTotals> ReadTotalsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken) =>
        database.ReadNearAsync(
            async (connection, token) =>
            {
                await using var batch = new NpgsqlBatch(connection);
                foreach (var sql in TotalsSql)
                {
                    batch.BatchCommands.Add(new NpgsqlBatchCommand(sql)
                    {
                        Parameters = { new() { Value = shortCode }, new() { Value = from.UtcDateTime }, new() { Value = to.UtcDateTime } },
                    });
                }

                await using var reader = await batch.ExecuteReaderAsync(token);
                await reader.ReadAsync(token);
                var (people, visitors, bots) = (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
                return new ClickTotals(
                    people,
                    visitors,
                    bots,
                    await ReadNextAsync(reader, row => row.GetInt64(0), token),
                    await ReadNextAsync(reader, row => row.IsDBNull(0) ? null : row.GetString(0), token),
                    await ReadNextAsync(reader, row => row.IsDBNull(0) ? null : row.GetString(0), token),
                    await ReadNextAsync(reader, row => (DeviceClass)row.GetInt16(0), token));
            },
            cancellationToken);

    /// <inheritdoc />
    public Task<byte[]> GetSaltAsync(DateOnly day, CancellationToken cancellationToken) =>
        database.WriteAsync(
            "salt",
            async (connection, token) =>
            {
                await using var insert = new NpgsqlCommand("INSERT INTO click_salts (day, salt) VALUES ($1, $2) ON CONFLICT DO NOTHING", connection)
                {
                    Parameters = { new() { Value = day }, new() { Value = RandomNumberGenerator.GetBytes(SaltBytes) } },
                };
                await insert.ExecuteNonQueryAsync(token);
                await using var select = new NpgsqlCommand("SELECT salt FROM click_salts WHERE day = $1", connection) { Parameters = { new() { Value = day } } };
                return (byte[])(await select.ExecuteScalarAsync(token))!;
            },
            cancellationToken);

    /// <inheritdoc />
    public Task DeleteSaltsBeforeAsync(DateOnly day, CancellationToken cancellationToken) =>
        database.WriteAsync(
            "salts",
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand("DELETE FROM click_salts WHERE day < $1", connection) { Parameters = { new() { Value = day } } };
                return await command.ExecuteNonQueryAsync(token);
            },
            cancellationToken);

    /// <inheritdoc />
    // By whole days, which costs nothing; row by row only what lies outside of them.
    public Task<int> DeleteBeforeAsync(DateTimeOffset moment, int limit, CancellationToken cancellationToken) =>
        database.WriteAsync(
            "click retention",
            async (connection, token) =>
            {
                var dropped = await PostgresPartitions.RunAsync(() => PostgresPartitions.DropClicksBefore(connection, moment, limit));
                await using var command = new NpgsqlCommand(
                    "DELETE FROM click_events_default WHERE ctid = ANY (ARRAY(SELECT ctid FROM click_events_default WHERE clicked_at < $1 LIMIT $2))", connection)
                {
                    Parameters = { new() { Value = moment.UtcDateTime }, new() { Value = limit - dropped } },
                };
                var deleted = dropped + await command.ExecuteNonQueryAsync(token);
                // Whoever would send a batch of yesterday again is long gone.
                await using var batches = new NpgsqlCommand("DELETE FROM click_batches WHERE stored_at < now() - interval '1 day'", connection);
                await batches.ExecuteNonQueryAsync(token);
                return deleted;
            },
            cancellationToken);

    private static async Task CopyAsync(NpgsqlConnection connection, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
    {
        await using var writer = await connection.BeginBinaryImportAsync(CopySql, cancellationToken);
        foreach (var click in clicks)
        {
            await writer.StartRowAsync(cancellationToken);
            await writer.WriteAsync(click.ShortCode, NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(click.At.UtcDateTime, NpgsqlDbType.TimestampTz, cancellationToken);
            await WriteTextAsync(writer, click.Referrer, cancellationToken);
            await WriteTextAsync(writer, click.UserAgent, cancellationToken);
            await WriteTextAsync(writer, click.IpHash, cancellationToken);
            await WriteTextAsync(writer, click.Country, cancellationToken);
            await WriteTextAsync(writer, click.City, cancellationToken);
            await WriteTextAsync(writer, click.Source, cancellationToken);
            await writer.WriteAsync((short)click.Device, NpgsqlDbType.Smallint, cancellationToken);
            await writer.WriteAsync(click.IsBot, NpgsqlDbType.Boolean, cancellationToken);
        }

        await writer.CompleteAsync(cancellationToken);
    }

    private static Task WriteTextAsync(NpgsqlBinaryImporter writer, string? text, CancellationToken cancellationToken) =>
        text is null ? writer.WriteNullAsync(cancellationToken) : writer.WriteAsync(text, NpgsqlDbType.Text, cancellationToken);

    private static async Task CountAsync(NpgsqlConnection connection, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
    {
        var counts = new Dictionary<string, (long Clicks, DateTime LastAt)>(StringComparer.Ordinal);
        foreach (var click in clicks)
        {
            if (click.IsBot)
                continue;
            var (count, lastAt) = counts.GetValueOrDefault(click.ShortCode);
            counts[click.ShortCode] = (count + 1, click.At.UtcDateTime > lastAt ? click.At.UtcDateTime : lastAt);
        }

        if (counts.Count == 0)
            return;
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new(CodeByCodeSql),
                new(CountSql)
                {
                    Parameters =
                    {
                        new() { Value = counts.Keys.ToArray() },
                        new() { Value = counts.Values.Select(count => count.Clicks).ToArray() },
                        new() { Value = counts.Values.Select(count => count.LastAt).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz },
                    },
                },
            },
        };
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<IReadOnlyList<KeyValuePair<T, long>>> ReadNextAsync<T>(NpgsqlDataReader reader, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await reader.NextResultAsync(cancellationToken);
        var entries = new List<KeyValuePair<T, long>>();
        while (await reader.ReadAsync(cancellationToken))
            entries.Add(KeyValuePair.Create(read(reader), reader.GetInt64(1)));
        return entries;
    }
}
