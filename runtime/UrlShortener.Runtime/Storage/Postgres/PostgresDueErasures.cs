using Npgsql;
using static UrlShortener.Runtime.Storage.Postgres.PostgresCommands;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>The list of deleted links whose clicks the server of statistics still has, or may have.</summary>
internal sealed class PostgresDueErasures(PostgresDatabase database)
{
    /// <summary>A click that was under way when its link was deleted is mostly loaded by then. One that comes later makes its link due again.</summary>
    public const string SettledSql = "interval '15 minutes'";

    // Taken for some minutes: a process that dies meanwhile leaves them to others.
    private const string TakeSql = """
        UPDATE deleted_links SET analytics_due_at = now() + interval '5 minutes'
        WHERE short_code = ANY (ARRAY(
            SELECT short_code FROM deleted_links WHERE analytics_due_at <= now() ORDER BY analytics_due_at LIMIT $1 FOR UPDATE SKIP LOCKED
        ))
        RETURNING short_code
        """;

    // Of a link that was looked at to the end, the time is that of the second look. All others are due, or taken by a process that may fail. Rows that another
    // process writes right now are waited for, not left out.
    private const string TakeOfUserSql = $"""
        UPDATE deleted_links SET analytics_due_at = now() + interval '5 minutes'
        WHERE short_code = ANY (ARRAY(
            SELECT short_code FROM deleted_links
            WHERE user_id = $2 AND (analytics_due_at <= now() OR analytics_due_at <> deleted_at + {SettledSql}) ORDER BY short_code LIMIT $1 FOR UPDATE
        ))
        RETURNING short_code
        """;

    // Not those that became due again meanwhile, because a late click was loaded.
    private const string DoneSql = $"""
        UPDATE deleted_links SET
            analytics_due_at = CASE WHEN now() < deleted_at + {SettledSql} THEN deleted_at + {SettledSql} END,
            user_id = CASE WHEN now() < deleted_at + {SettledSql} THEN user_id END
        WHERE short_code = ANY ($1) AND analytics_due_at > now()
        """;

    private const string DelaySql =
        $"SELECT extract(epoch FROM now() - min(deleted_at) - {SettledSql})::double precision FROM deleted_links WHERE analytics_due_at IS NOT NULL";

    /// <summary>Takes some codes that are due.</summary>
    public Task<List<string>> TakeAsync(int limit, CancellationToken cancellationToken) => TakeAsync(Command(TakeSql, limit), cancellationToken);

    /// <summary>Takes some codes of a user's links that are due, or that another process has taken and not finished.</summary>
    public Task<List<string>> TakeOfUserAsync(long userId, int limit, CancellationToken cancellationToken) =>
        TakeAsync(Command(TakeOfUserSql, limit, userId), cancellationToken);

    /// <summary>Notes that nothing is left of some codes.</summary>
    public Task<int> NoteDoneAsync(IReadOnlyCollection<string> codes, CancellationToken cancellationToken) =>
        database.WriteInBackgroundAsync(
            "note erasures",
            async (connection, token) =>
            {
                await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Command(DoneSql, (object)codes.ToArray()) } };
                return await batch.ExecuteNonQueryAsync(token);
            },
            cancellationToken
        );

    /// <summary>How long the oldest of them has been overdue.</summary>
    public Task<TimeSpan> ReadDelayAsync(CancellationToken cancellationToken) =>
        database.ReadPrimaryAsync(
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand(DelaySql, connection);
                return TimeSpan.FromSeconds(Math.Max(0, await command.ExecuteScalarAsync(token) as double? ?? 0));
            },
            cancellationToken
        );

    private Task<List<string>> TakeAsync(NpgsqlBatchCommand take, CancellationToken cancellationToken) =>
        database.WriteInBackgroundAsync(
            "take erasures",
            async (connection, token) =>
            {
                await using var batch = new NpgsqlBatch(connection) { BatchCommands = { take } };
                await using var reader = await batch.ExecuteReaderAsync(token);
                var codes = new List<string>();
                while (await reader.ReadAsync(token))
                    codes.Add(reader.GetString(0));
                return codes;
            },
            cancellationToken
        );
}
