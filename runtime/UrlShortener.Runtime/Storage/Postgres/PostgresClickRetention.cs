using Npgsql;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using static UrlShortener.Runtime.Storage.Postgres.PostgresCommands;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Deletes clicks, by whole partitions if possible.</summary>
internal sealed class PostgresClickRetention(PostgresDatabase database, PostgresClickFolder folder, ConnectionOptions? connections = null) : IClickRetention
{
    private readonly bool _hasAnalytics = connections?.HasClickHouse == true;

    private const string DueSql = "SELECT short_code FROM deleted_links WHERE due_at <= now() ORDER BY due_at LIMIT 50 FOR UPDATE SKIP LOCKED";

    // Whether something is due while clicks wait that may be of a deleted link.
    private const string MustFoldSql = "SELECT EXISTS (SELECT 1 FROM click_inbox) AND EXISTS (SELECT 1 FROM deleted_links WHERE due_at <= now())";

    private const string DeleteUncountedSql = "DELETE FROM click_inbox WHERE stored_at < $1 RETURNING clicks";

    private const string DueDaysSql =
        "SELECT short_code, day, bots + device_0 + device_1 + device_2 + device_3 FROM click_days WHERE short_code = ANY ($1) ORDER BY short_code, day "
        + "LIMIT 100";

    // The range lies within one UTC day, so all clicks are in one partition.
    private const string DeleteClicksSql = """
        DELETE FROM click_events WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3
            AND ctid = ANY (ARRAY(SELECT ctid FROM click_events WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3 LIMIT $4))
        """;

    private const string DeleteDayOfClicksSql = "DELETE FROM click_events WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3";
    private const string DeleteHoursSql = "DELETE FROM click_hours WHERE short_code = $1 AND hour >= $2 AND hour < $3";
    private const string DeleteValuesSql = "DELETE FROM click_day_values WHERE short_code = $1 AND day = $2";
    private const string DeleteDaySql = "DELETE FROM click_days WHERE short_code = $1 AND day = $2";

    // A link that was deleted while its clicks were counted left its entry behind.
    private const string UnfollowSql = "DELETE FROM followed_links WHERE short_code = ANY ($1)";

    // Repeats the deletion a minute after the link was deleted: transactions that were storing clicks at that time did not see that the link was gone.
    private const string GoneSql = """
        UPDATE deleted_links SET due_at = CASE WHEN now() < deleted_at + interval '1 minute' THEN deleted_at + interval '1 minute' END
        WHERE short_code = ANY ($1) AND NOT EXISTS (SELECT 1 FROM click_days d WHERE d.short_code = deleted_links.short_code)
        """;

    // By then no process holds clicks of the link. With a server of statistics its clicks there must be gone, too.
    private const string ForgetSql =
        "DELETE FROM deleted_links WHERE short_code = ANY (ARRAY(SELECT short_code FROM deleted_links WHERE due_at IS NULL AND deleted_at < now() - "
        + "interval '30 days' AND (NOT $2 OR analytics_due_at IS NULL) LIMIT $1))";

    /// <inheritdoc />
    // Drops partitions of whole days, which costs nothing. Deletes row by row only what lies outside of them.
    public Task<int> DeleteBeforeAsync(DateTimeOffset moment, int limit, CancellationToken cancellationToken) =>
        database.WriteInBackgroundAsync(
            "click retention",
            async (connection, token) =>
            {
                var dropped = await PostgresPartitions.RunAsync(() => PostgresPartitions.DropClicksBefore(connection, moment, limit));
                await using var command = new NpgsqlCommand(
                    "DELETE FROM click_events_default WHERE ctid = ANY (ARRAY(SELECT ctid FROM click_events_default WHERE clicked_at < $1 LIMIT $2))",
                    connection
                )
                {
                    Parameters =
                    {
                        new() { Value = moment.UtcDateTime },
                        new() { Value = limit - dropped },
                    },
                };
                var deleted = dropped + await command.ExecuteNonQueryAsync(token);
                await DeleteUncountedAsync(connection, moment, token);
                // No process still retries a batch that is a day old.
                await using var batches = new NpgsqlCommand("DELETE FROM click_batches WHERE stored_at < now() - interval '1 day'", connection);
                await batches.ExecuteNonQueryAsync(token);
                await PostgresClickTexts.DeleteBeforeAsync(connection, moment, token);
                return deleted;
            },
            cancellationToken
        );

    // Batches that nobody could fold for as long as single clicks are kept: they hold user agents, pages and hashes.
    private static async Task DeleteUncountedAsync(NpgsqlConnection connection, DateTimeOffset moment, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Command(DeleteUncountedSql, moment.UtcDateTime) } };
        await using var row = await batch.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
            ClickMetrics.DroppedUncounted.Inc(row.GetInt32(0));
    }

    /// <inheritdoc />
    public async Task<int> DeleteOfDeletedLinksAsync(int limit, CancellationToken cancellationToken)
    {
        // So that nothing of them is left when this returns 0.
        if (await database.ReadPrimaryAsync(MustFoldAsync, cancellationToken))
            await folder.FoldAllAsync(cancellationToken);
        return await DeleteFoldedAsync(limit, cancellationToken);
    }

    private static async Task<bool> MustFoldAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(MustFoldSql, connection);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private Task<int> DeleteFoldedAsync(int limit, CancellationToken cancellationToken) =>
        database.WriteInBackgroundAsync(
            "clicks of deleted links",
            async (connection, token) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(token);
                var due = await ReadAllAsync(connection, new NpgsqlBatchCommand(DueSql), row => row.GetString(0), token);
                if (due.Count == 0)
                {
                    await ExecuteAsync(connection, token, Command(ForgetSql, limit, _hasAnalytics));
                    await transaction.CommitAsync(token);
                    return 0;
                }

                var days = await ReadAllAsync(
                    connection,
                    Command(DueDaysSql, (object)due.ToArray()),
                    row => (Code: row.GetString(0), Day: row.GetFieldValue<DateOnly>(1), Clicks: row.GetInt32(2)),
                    token
                );
                var budget = limit;
                foreach (var (code, day, clicks) in days.TakeWhile(_ => budget > 0))
                    budget -= await DeleteDayAsync(connection, code, day, clicks, budget, token);
                await ExecuteAsync(connection, token, Command(UnfollowSql, (object)due.ToArray()));
                var gone = await ExecuteAsync(connection, token, Command(GoneSql, (object)due.ToArray()));
                await transaction.CommitAsync(token);
                return limit - budget + gone;
            },
            cancellationToken
        );

    // Returns how much of the limit it used.
    private static async Task<int> DeleteDayAsync(
        NpgsqlConnection connection,
        string code,
        DateOnly day,
        int clicks,
        int limit,
        CancellationToken cancellationToken
    )
    {
        var (start, end) = (StatisticsPlan.StartOf(day), StatisticsPlan.StartOf(day.AddDays(1)));
        if (
            clicks > limit
            && await ExecuteAsync(connection, cancellationToken, Command(DeleteClicksSql, code, start, end, limit)) is var deleted
            && deleted == limit
        )
            return limit;
        await ExecuteAsync(
            connection,
            cancellationToken,
            Command(DeleteDayOfClicksSql, code, start, end),
            Command(DeleteHoursSql, code, start, end),
            Command(DeleteValuesSql, code, day),
            Command(DeleteDaySql, code, day)
        );
        return Math.Min(clicks, limit) + 1;
    }

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, CancellationToken cancellationToken, params NpgsqlBatchCommand[] commands)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var command in commands)
            batch.BatchCommands.Add(command);
        return await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<List<T>> ReadAllAsync<T>(
        NpgsqlConnection connection,
        NpgsqlBatchCommand command,
        Func<NpgsqlDataReader, T> read,
        CancellationToken cancellationToken
    )
    {
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { command } };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        return rows;
    }
}
