using Npgsql;
using NpgsqlTypes;
using UrlShortener.Runtime.Clicks;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Counts the clicks of links.</summary>
internal static class PostgresLinkCounts
{
    // For the transaction. With so many clicks the planner would choose to read all links and all codes ever claimed; code by code it is a few pages each.
    internal const string CodeByCodeSql =
        "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('enable_seqscan', 'off', true), "
        + "set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true)";

    // Finds each link in its partition through the registry. Clicks of deleted links are not counted. A test shows that no table is read as a whole. Rows of
    // both tables are written in one order, so that processes that count the same links do not wait for each other in a circle.
    internal const string CountSql = """
        WITH clicked AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::bigint[], $3::timestamptz[]) AS c (short_code, clicks, last_at)),
        link AS MATERIALIZED (
            SELECT u.id, u.created_at, clicked.clicks, clicked.last_at
            FROM clicked CROSS JOIN LATERAL (SELECT short_code, used_at FROM kgs_keys WHERE kgs_keys.short_code = clicked.short_code LIMIT 1) k
                CROSS JOIN LATERAL (SELECT id, created_at FROM urls WHERE urls.short_code = k.short_code AND urls.created_at = k.used_at LIMIT 1) u
            ORDER BY u.created_at, u.id
        ),
        counted AS (
            UPDATE urls u SET click_count = u.click_count + link.clicks, last_accessed_at = greatest(u.last_accessed_at, link.last_at)
            FROM link WHERE u.id = link.id AND u.created_at = link.created_at
            RETURNING u.short_code, u.user_id, u.last_accessed_at
        )
        INSERT INTO followed_links AS f (short_code, user_id, minute)
        SELECT short_code, user_id, date_trunc('minute', last_accessed_at) FROM counted WHERE user_id IS NOT NULL ORDER BY short_code
        ON CONFLICT (short_code) DO UPDATE SET minute = excluded.minute WHERE f.minute < excluded.minute
        """;

    /// <summary>Adds clicks by people to the totals of their links, in the transaction of the connection.</summary>
    public static async Task CountAsync(NpgsqlConnection connection, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
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
}
