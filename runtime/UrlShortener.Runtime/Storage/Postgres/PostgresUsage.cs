using Npgsql;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Sums of links and bytes per user. Triggers and creates record recent changes; folding adds these to the sums in the users'
/// rows.</summary>
internal static class PostgresUsage
{
    // A transaction that folds or counts holds this lock until its end.
    private const long FoldLock = 0x75726C75;

    // Deletes the folded rows in the same statement, so that they are always counted exactly once.
    private const string FoldSql = """
        WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock($1) AS is_ours),
        taken_links AS (DELETE FROM user_link_counts USING turn WHERE turn.is_ours RETURNING user_id, links),
        taken_bytes AS (DELETE FROM user_byte_counts USING turn WHERE turn.is_ours RETURNING user_id, bytes),
        sums AS (
            SELECT user_id, sum(links) AS links, sum(bytes) AS bytes
            FROM (SELECT user_id, links, 0 AS bytes FROM taken_links UNION ALL SELECT user_id, 0, bytes FROM taken_bytes) taken GROUP BY user_id ORDER BY user_id
        )
        UPDATE users u SET urls_created = u.urls_created + sums.links, stored_bytes = u.stored_bytes + sums.bytes FROM sums WHERE u.id = sums.user_id
        """;

    // One snapshot: a change in the tables and its recorded count are visible together or not at all.
    private const string CountSql = """
        WITH counted AS (DELETE FROM user_byte_counts WHERE user_id = $1)
        UPDATE users SET stored_bytes =
            coalesce((SELECT sum(link_bytes(short_code, original_url, metadata)) FROM urls WHERE user_id = $1), 0)
            + coalesce((SELECT sum(reply_bytes(location, body)) FROM idempotency_keys WHERE user_id = $1), 0)
        WHERE id = $1
        """;

    /// <summary>Adds the recorded changes to the users' rows, unless another process is doing it.</summary>
    public static async Task<int> FoldAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(FoldSql, connection) { Parameters = { new() { Value = FoldLock } } };
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Counts the bytes of users whose row has no sum because it is older than the sums, one user after the other and concurrently with writes. May be
    /// interrupted at any time; the next call continues.
    /// </summary>
    public static void CountUncounted(NpgsqlConnection connection)
    {
        var users = new List<long>();
        using (var command = new NpgsqlCommand("SELECT id FROM users WHERE stored_bytes IS NULL ORDER BY id", connection) { CommandTimeout = 0 })
        using (var reader = command.ExecuteReader())
        {
            while (reader.Read())
                users.Add(reader.GetInt64(0));
        }

        foreach (var user in users)
            Count(connection, user);
    }

    private static void Count(NpgsqlConnection connection, long user)
    {
        using var transaction = connection.BeginTransaction();
        // Take the lock before the snapshot of the count: a fold after the snapshot would be lost.
        using (
            var turn = new NpgsqlCommand("SELECT pg_advisory_xact_lock($1)", connection, transaction)
            {
                CommandTimeout = 0,
                Parameters = { new() { Value = FoldLock } },
            }
        )
            turn.ExecuteNonQuery();
        using (var count = new NpgsqlCommand(CountSql, connection, transaction) { CommandTimeout = 0, Parameters = { new() { Value = user } } })
            count.ExecuteNonQuery();
        transaction.Commit();
    }
}
