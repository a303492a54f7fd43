using Npgsql;
using UrlShortener.Runtime.Clicks;
using static UrlShortener.Runtime.Storage.Postgres.PostgresCommands;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// Stores each batch of clicks as one row of the inbox. <see cref="PostgresClickFolder"/> counts them and writes them out one by one. For one thread at a time.
/// </summary>
internal sealed class PostgresClickSink(PostgresDatabase database) : IClickSink
{
    private const string AppendSql = """
        WITH begun AS (INSERT INTO click_batches (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id)
        INSERT INTO click_inbox (batch, clicks, first_at, packed) SELECT id, $2, $3, $4 FROM begun
        """;

    /// <inheritdoc />
    public Task AppendAsync(Guid batch, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
    {
        if (clicks.Count == 0)
            return Task.CompletedTask;
        var firstAt = clicks.Min(click => click.At).ToUnixTimeMilliseconds();
        // A packing of its own: a call that was given up may still be sending the one before.
        var packed = new ClickPacking().PackWithCodes(clicks, firstAt);
        return database.WriteInBackgroundAsync(
            "clicks",
            async (connection, token) =>
            {
                await using var command = new NpgsqlBatch(connection) { BatchCommands = { Command(AppendSql, batch, clicks.Count, firstAt, packed) } };
                return await command.ExecuteNonQueryAsync(token);
            },
            cancellationToken
        );
    }
}
