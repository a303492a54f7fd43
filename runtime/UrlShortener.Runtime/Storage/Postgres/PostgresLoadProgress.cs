using Npgsql;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Loading;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Keeps how far click events are loaded in the database of the links.</summary>
internal sealed class PostgresLoadProgress(PostgresDatabase database) : ILoadProgress
{
    private const string ReadSql = "SELECT next_offset, begun_to FROM click_loads WHERE topic_id = $1 AND partition = $2";

    // The first batch of a partition makes its row. Again for a batch that was begun already.
    private const string BeginSql = """
        INSERT INTO click_loads AS l (topic_id, partition, next_offset, begun_to) VALUES ($1, $2, $3, $4)
        ON CONFLICT (topic_id, partition) DO UPDATE SET begun_to = $4, changed_at = now()
            WHERE l.next_offset = $3 AND (l.begun_to IS NULL OR l.begun_to = $4)
        """;

    private const string CompleteSql = """
        UPDATE click_loads SET next_offset = $4, begun_to = NULL, changed_at = now()
        WHERE topic_id = $1 AND partition = $2 AND next_offset = $3 AND begun_to = $4
        """;

    private const string MoveSql = """
        UPDATE click_loads SET next_offset = $4, begun_to = NULL, changed_at = now() WHERE topic_id = $1 AND partition = $2 AND next_offset = $3
        """;

    // What a deleted link left behind goes once more: an event of it has arrived since.
    private const string DueAgainSql = "UPDATE deleted_links SET due_at = now(), analytics_due_at = now() WHERE short_code = ANY ($1)";

    /// <inheritdoc />
    public Task<LoadPosition?> ReadAsync(Guid topic, int partition, CancellationToken cancellationToken) =>
        database.ReadPrimaryAsync<LoadPosition?>(
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand(ReadSql, connection)
                {
                    Parameters =
                    {
                        new() { Value = topic },
                        new() { Value = partition },
                    },
                };
                await using var reader = await command.ExecuteReaderAsync(token);
                return await reader.ReadAsync(token)
                    ? new LoadPosition(reader.GetInt64(0), await reader.IsDBNullAsync(1, token) ? null : reader.GetInt64(1))
                    : null;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<bool> BeginAsync(EventBatch batch, CancellationToken cancellationToken) =>
        database.WriteInBackgroundAsync(
            "click_load_begin",
            async (connection, token) =>
            {
                await using var command = NewCommand(BeginSql, connection, batch.Topic, batch.Partition, batch.From, batch.To);
                return await command.ExecuteNonQueryAsync(token) == 1;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<bool> CompleteAsync(EventBatch batch, IReadOnlyList<StoredClick> counted, CancellationToken cancellationToken) =>
        database.WritePatientlyAsync(
            "click_load",
            async (connection, token) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(token);
                // First: of two processes with the same batch, one waits here, and then finds it done.
                await using var complete = NewCommand(CompleteSql, connection, batch.Topic, batch.Partition, batch.From, batch.To);
                if (await complete.ExecuteNonQueryAsync(token) == 0)
                    return false;
                await PostgresLinkCounts.CountAsync(connection, counted, token);
                await using var due = new NpgsqlCommand(DueAgainSql, connection)
                {
                    Parameters = { new() { Value = counted.Select(click => click.ShortCode).Distinct(StringComparer.Ordinal).ToArray() } },
                };
                await due.ExecuteNonQueryAsync(token);
                await transaction.CommitAsync(token);
                return true;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task MoveAsync(Guid topic, int partition, LoadPosition from, long to, CancellationToken cancellationToken) =>
        database.WriteInBackgroundAsync(
            "click_load_move",
            async (connection, token) =>
            {
                await using var command = NewCommand(MoveSql, connection, topic, partition, from.Next, to);
                return await command.ExecuteNonQueryAsync(token);
            },
            cancellationToken
        );

    private static NpgsqlCommand NewCommand(string sql, NpgsqlConnection connection, Guid topic, int partition, long from, long to) =>
        new(sql, connection)
        {
            Parameters =
            {
                new() { Value = topic },
                new() { Value = partition },
                new() { Value = from },
                new() { Value = to },
            },
        };
}
