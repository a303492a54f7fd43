using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Statistics;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <inheritdoc cref="ILinkStore" />
internal sealed class PostgresLinkStore(PostgresDatabase database, PostgresLinkWriter writer) : ILinkStore, ILinkChangeLog, IFollowedLinks
{
    private const string Columns =
        "u.id, u.short_code, u.original_url, u.user_id, u.created_at, u.expires_at, u.click_count, u.last_accessed_at, u.is_active, u.redirect_type, "
        + "link_metadata_text(u.metadata)";

    // Goes from the registry to the one partition that holds the link. LIMIT keeps the planner from turning the two lookups into a join over all partitions.
    private const string ByCode =
        "FROM kgs_keys k CROSS JOIN LATERAL (SELECT * FROM urls WHERE urls.short_code = k.short_code AND urls.created_at = k.used_at LIMIT 1) u WHERE "
        + "k.short_code = $1";

    /// <summary>Looks up what a redirect needs. A test shows that it reads one partition of each table.</summary>
    internal const string FindTargetSql =
        $"SELECT u.original_url, u.expires_at, u.redirect_type, u.is_active, (SELECT coalesce(max(epoch), 0) FROM kgs_epochs), u.version {ByCode}";

    // Applies only to the statement sent with it. By default the planner plans every lookup again, because it estimates the cost of a generic plan from all the
    // partitions, including those skipped at run time; planning takes four times as long as the lookup. And in a month whose table has no statistics yet, it
    // would read all links of the same millisecond with a bitmap scan, a thousand after a bulk request.
    internal const string PlanOnceSql = "SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_bitmapscan', 'off', true)";

    /// <summary>Sort key of a list by expiry, exactly as in the index.</summary>
    internal const string EndKey = "coalesce(expires_at, 'infinity'::timestamptz)";

    // Applies only to the statement sent with it. The planner cannot know how few links match, and would read everybody's links in the order of the list, or
    // sort all of the user's. What is left is the index of the user's links in this order. jit: the estimate covers all of the user's links, while a search
    // ends after a moment, which compiling would take.
    internal const string InOrderSql =
        "SELECT set_config('enable_sort', 'off', true), set_config('enable_incremental_sort', 'off', true), set_config('enable_seqscan', 'off', true), "
        + "set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true)";

    private const string FindSql = $"SELECT {Columns} {ByCode}";

    // Reads no more entries than it returns codes. A link that is deleted while its clicks are counted leaves an entry behind: it is looked up.
    internal const string FollowedSql = """
        WITH followed AS MATERIALIZED (
            SELECT short_code FROM followed_links WHERE user_id = $1 AND minute >= date_trunc('minute', $2::timestamptz)
            ORDER BY minute DESC, short_code DESC LIMIT $3
        )
        SELECT followed.short_code
        FROM followed CROSS JOIN LATERAL (SELECT used_at FROM kgs_keys WHERE kgs_keys.short_code = followed.short_code LIMIT 1) k
            CROSS JOIN LATERAL (SELECT last_accessed_at FROM urls WHERE urls.short_code = followed.short_code AND urls.created_at = k.used_at LIMIT 1) u
        WHERE u.last_accessed_at >= $2 ORDER BY u.last_accessed_at DESC, followed.short_code
        """;

    private const string UpdateSql = $"""
        WITH changed AS (
            UPDATE urls u SET
                original_url = coalesce($4, original_url), expires_at = CASE WHEN $5 THEN $6 ELSE expires_at END, is_active = coalesce($7, is_active),
                redirect_type = coalesce($8, redirect_type), metadata = coalesce(link_metadata_of($9), metadata), version = version + 1
            WHERE short_code = $1 AND created_at = $2 AND user_id = $3
            RETURNING {Columns}, u.version
        ), logged AS (INSERT INTO link_changes (short_code, version) SELECT short_code, version FROM changed RETURNING epoch)
        SELECT changed.*, EXISTS (SELECT 1 FROM urls WHERE short_code = $1 AND created_at = $2), (SELECT epoch FROM logged)
        FROM (SELECT 1) one LEFT JOIN changed ON true
        """;

    private const string DeleteSql = $"""
        WITH changed AS (
            DELETE FROM urls u WHERE short_code = $1 AND created_at = $2 AND user_id = $3
            RETURNING {Columns}, u.version + 1 AS version
        ), logged AS (INSERT INTO link_changes (short_code, version) SELECT short_code, version FROM changed RETURNING epoch),
        buried AS (INSERT INTO deleted_links (short_code, user_id) SELECT short_code, $3 FROM changed ON CONFLICT DO NOTHING),
        unfollowed AS (DELETE FROM followed_links WHERE short_code = (SELECT short_code FROM changed))
        SELECT changed.*, EXISTS (SELECT 1 FROM urls WHERE short_code = $1 AND created_at = $2), (SELECT epoch FROM logged)
        FROM (SELECT 1) one LEFT JOIN changed ON true
        """;

    // Returns at least one row, which contains the epoch.
    private const string ReadLogSql = $"SELECT current.epoch, logged.id, logged.short_code, logged.epoch, logged.version, NULL::interval {LogSql}";

    // In the same snapshot as the changes: of those that are older than this, none is missing.
    private const string ReadFollowedLogSql =
        "SELECT current.epoch, logged.id, logged.short_code, logged.epoch, logged.version, (SELECT greatest(clock_timestamp() - beat_at, interval '0') FROM "
        + $"write_region) {LogSql}";

    private const string LogSql = """
        FROM (SELECT coalesce(max(epoch), 0) AS epoch FROM kgs_epochs) current
        LEFT JOIN (SELECT id, short_code, epoch, version FROM link_changes WHERE changed_at > clock_timestamp() - $1) logged ON true
        """;

    // The last statement determines the returned count: the number of links.
    private const string DeleteOfUserSql = """
        WITH doomed AS MATERIALIZED (SELECT id, created_at FROM urls WHERE user_id = $1 ORDER BY created_at, id LIMIT $2 FOR UPDATE),
        deleted AS (DELETE FROM urls u USING doomed d WHERE u.id = d.id AND u.created_at = d.created_at RETURNING u.short_code, u.version + 1 AS version),
        buried AS (INSERT INTO deleted_links (short_code, user_id) SELECT short_code, $1 FROM deleted ON CONFLICT DO NOTHING),
        unfollowed AS (DELETE FROM followed_links WHERE short_code = ANY (ARRAY(SELECT short_code FROM deleted)))
        INSERT INTO link_changes (short_code, version) SELECT short_code, version FROM deleted
        """;

    /// <inheritdoc />
    public Task<CreateLinksResult> CreateAsync(CreateLinks request, CancellationToken cancellationToken) => writer.CreateAsync(request, cancellationToken);

    /// <inheritdoc />
    // Reads only from the primary: a retry that is not recognised would create a second link.
    public Task<CreateLinksResult?> FindReplyAsync(string key, string requestHash, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.ReadPrimaryAsync(
            async (connection, token) =>
            {
                await using var command = Command(
                    connection,
                    "SELECT request_hash, status_code, location, body FROM idempotency_keys WHERE key = $1 AND expires_at > $2",
                    key,
                    now.UtcDateTime
                );
                await using var reader = await command.ExecuteReaderAsync(token);
                return await reader.ReadAsync(token) ? PostgresLinkWriter.Compare(reader, 0, requestHash) : null;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<Link?> FindAsync(string shortCode, CancellationToken cancellationToken) =>
        !ShortCode.IsValid(shortCode)
            ? Task.FromResult<Link?>(null)
            : database.ReadNewestAsync(
                async (connection, token) =>
                {
                    await using var command = Command(connection, FindSql, shortCode);
                    await using var reader = await command.ExecuteReaderAsync(token);
                    return await reader.ReadAsync(token) ? Read(reader).Link : null;
                },
                cancellationToken
            );

    /// <inheritdoc />
    public async Task<LinkTarget?> FindTargetAsync(string shortCode, StateVersion atLeast, CancellationToken cancellationToken) =>
        !ShortCode.IsValid(shortCode)
            ? null
            : await database.FindAsync(
                async (connection, token) =>
                {
                    await using var batch = new NpgsqlBatch(connection)
                    {
                        BatchCommands =
                        {
                            new(PlanOnceSql),
                            new(FindTargetSql) { Parameters = { new() { Value = shortCode } } },
                        },
                    };
                    await using var reader = await batch.ExecuteReaderAsync(token);
                    await reader.NextResultAsync(token);
                    return await reader.ReadAsync(token)
                        ? new LinkTarget(
                            reader.GetString(0),
                            TimeOrNull(reader, 1),
                            reader.GetInt16(2),
                            reader.GetBoolean(3),
                            new StateVersion(reader.GetInt32(4), reader.GetInt32(5))
                        )
                        : null;
                },
                found => found is not null && found.Version >= atLeast,
                cancellationToken
            );

    /// <inheritdoc />
    public Task<LinkChangeResult> UpdateAsync(string shortCode, long userId, LinkChange change, CancellationToken cancellationToken) =>
        ChangeAsync(
            "update",
            shortCode,
            (connection, createdAt) =>
                Command(
                    connection,
                    UpdateSql,
                    shortCode,
                    createdAt,
                    userId,
                    Null(change.OriginalUrl, NpgsqlDbType.Text),
                    change.SetsExpiry,
                    Null(change.ExpiresAt?.UtcDateTime, NpgsqlDbType.TimestampTz),
                    Null(change.IsActive, NpgsqlDbType.Boolean),
                    Null((short?)change.RedirectType, NpgsqlDbType.Smallint),
                    Null(change.Metadata, NpgsqlDbType.Text)
                ),
            cancellationToken
        );

    /// <inheritdoc />
    public Task<LinkChangeResult> DeleteAsync(string shortCode, long userId, CancellationToken cancellationToken) =>
        ChangeAsync("delete", shortCode, (connection, createdAt) => Command(connection, DeleteSql, shortCode, createdAt, userId), cancellationToken);

    /// <inheritdoc />
    public Task<int> DeleteOfUserAsync(long userId, int limit, CancellationToken cancellationToken) =>
        ExecuteAsync("delete links", DeleteOfUserSql, cancellationToken, userId, limit);

    /// <inheritdoc />
    public Task<int> DeleteIdempotencyKeysOfUserAsync(long userId, int limit, CancellationToken cancellationToken) =>
        ExecuteAsync(
            "delete idempotency keys",
            "DELETE FROM idempotency_keys WHERE key = ANY (ARRAY(SELECT key FROM idempotency_keys WHERE user_id = $1 LIMIT $2))",
            cancellationToken,
            userId,
            limit
        );

    /// <inheritdoc />
    public Task<LinkPage> ListAsync(LinkQuery query, CancellationToken cancellationToken) =>
        query.HoldsNull
            ? Task.FromResult(new LinkPage([], null))
            : database.QueryNewestAsync(
                query.UserId,
                (connection, token) => ListAsync(connection, query with { SearchTime = SearchTimeOf(query, database.QueryTimeout) }, token),
                cancellationToken
            );

    /// <summary>How long a list searches: so that it can answer before the limit of queries ends it, whatever the settings are.</summary>
    internal static TimeSpan SearchTimeOf(LinkQuery query, TimeSpan limit) => query.SearchTime < limit / 2 ? query.SearchTime : limit / 2;

    /// <inheritdoc />
    public Task<IReadOnlyList<string>> FindFollowedAsync(long userId, DateTimeOffset since, int limit, CancellationToken cancellationToken) =>
        database.QueryNewestAsync<IReadOnlyList<string>>(
            userId,
            async (connection, token) =>
            {
                await using var command = Command(connection, FollowedSql, userId, since.UtcDateTime, limit);
                await using var reader = await command.ExecuteReaderAsync(token);
                var codes = new List<string>();
                while (await reader.ReadAsync(token))
                    codes.Add(reader.GetString(0));
                return codes;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task<int> DeleteExpiredIdempotencyKeysAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        ExecuteAsync("idempotency", "DELETE FROM idempotency_keys WHERE expires_at <= $1", cancellationToken, now.UtcDateTime);

    /// <inheritdoc />
    Task<RecentChanges> ILinkChangeLog.ReadAsync(TimeSpan age, CancellationToken cancellationToken) =>
        database.ReadNearAsync(
            async (connection, token) =>
            {
                await using var command = Command(connection, database.IsStandby ? ReadFollowedLogSql : ReadLogSql, age);
                await using var reader = await command.ExecuteReaderAsync(token);
                var (epoch, behind, changes) = (0, TimeSpan.Zero, new List<LoggedChange>());
                while (await reader.ReadAsync(token))
                {
                    epoch = reader.GetInt32(0);
                    behind = reader.IsDBNull(5) ? TimeSpan.Zero : reader.GetTimeSpan(5);
                    if (!reader.IsDBNull(1))
                        changes.Add(
                            new LoggedChange(reader.GetInt64(1), new LinkVersion(reader.GetString(2), new StateVersion(reader.GetInt32(3), reader.GetInt32(4))))
                        );
                }

                return new RecentChanges(epoch, changes) { Behind = behind };
            },
            cancellationToken
        );

    /// <inheritdoc />
    Task<int> ILinkChangeLog.DeleteAsync(TimeSpan age, CancellationToken cancellationToken) =>
        ExecuteAsync("change log", "DELETE FROM link_changes WHERE changed_at <= clock_timestamp() - $1", cancellationToken, age);

    private Task<int> ExecuteAsync(string operation, string sql, CancellationToken cancellationToken, params object[] values) =>
        database.WriteAsync(
            operation,
            async (connection, token) =>
            {
                await using var command = Command(connection, sql, values);
                return await command.ExecuteNonQueryAsync(token);
            },
            cancellationToken
        );

    // The creation time of a code never changes, so it is safe to look it up before the change.
    private async Task<LinkChangeResult> ChangeAsync(
        string operation,
        string shortCode,
        Func<NpgsqlConnection, DateTime, NpgsqlCommand> build,
        CancellationToken cancellationToken
    )
    {
        if (!ShortCode.IsValid(shortCode))
            return new LinkChangeResult(LinkChangeOutcome.NotFound, null);
        return await database.WriteAsync(
            operation,
            async (connection, token) =>
            {
                await using var find = Command(connection, "SELECT used_at FROM kgs_keys WHERE short_code = $1 AND is_used", shortCode);
                if (await find.ExecuteScalarAsync(token) is not DateTime createdAt)
                    return new LinkChangeResult(LinkChangeOutcome.NotFound, null);
                await using var command = build(connection, createdAt);
                await using var reader = await command.ExecuteReaderAsync(token);
                await reader.ReadAsync(token);
                if (!reader.IsDBNull(0))
                    return new LinkChangeResult(LinkChangeOutcome.Done, Read(reader).Link, new StateVersion(reader.GetInt32(13), reader.GetInt32(11)));
                return new LinkChangeResult(reader.GetBoolean(12) ? LinkChangeOutcome.NotOwner : LinkChangeOutcome.NotFound, null);
            },
            cancellationToken
        );
    }

    private static async Task<LinkPage> ListAsync(NpgsqlConnection connection, LinkQuery query, CancellationToken cancellationToken)
    {
        var (sql, values) = ListSql(query);
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { new(InOrderSql), PostgresCommands.Command(sql, [.. values]) } };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var page = new LinkPageBuilder(query);
        while (await reader.ReadAsync(cancellationToken))
        {
            var (id, link) = Read(reader);
            if (!page.Add(id, link, reader.GetBoolean(11)))
                break;
        }

        return page.Build();
    }

    /// <summary>
    /// The statement of a list. It goes along an index of the user's links in the order of the list, within the ranges that the index knows. The other
    /// filters look at each link in turn. Once they have done so for <see cref="LinkQuery.SearchTime"/>, every link passes, so that the statement ends after a
    /// page of them; the last column tells which ones match.
    /// </summary>
    internal static (string Sql, IReadOnlyList<object> Values) ListSql(LinkQuery query)
    {
        List<object> values = [query.UserId];
        List<string> inIndex = ["user_id = $1"];
        List<string> filters = [];
        var isByEnd = query.Order.By == LinkSort.ExpiresAt;
        var (key, direction) = (isByEnd ? EndKey : "created_at", query.Order.IsAscending ? "ASC" : "DESC");
        var (byCreation, byEnd) = isByEnd ? (filters, inIndex) : (inIndex, filters);
        if (query.After is { } after)
            inIndex.Add($"({key}, id) {(query.Order.IsAscending ? '>' : '<')} ({Add(TimeOf(after))}, {Add(after.Id)})");
        AddRange(byCreation, "created_at", query.Created);
        AddRange(byEnd, EndKey, query.Expires);
        // Links that never expire are in no range.
        if (query.Expires.From is not null)
            byEnd.Add($"{EndKey} < 'infinity'");
        if (query.Status is { } status)
        {
            filters.Add(status == LinkStatus.Inactive ? "NOT is_active" : "is_active");
            if (status != LinkStatus.Inactive)
                byEnd.Add($"{EndKey} {(status == LinkStatus.Active ? ">" : "<=")} {Add(query.Now.UtcDateTime)}");
        }

        if (query.CodePrefix is { } prefix)
            filters.Add($"starts_with(short_code, {Add(prefix)})");
        if (query.IsActive is { } isActive)
            filters.Add($"is_active = {Add(isActive)}");
        if (query.Target is { } target)
        {
            var contains = TargetSearch.SpellingsOf(target).Select(text => $"strpos(lower(original_url COLLATE \"C\"), lower({Add(text)} COLLATE \"C\")) > 0");
            filters.Add($"({string.Join(" OR ", contains)})");
        }

        foreach (var (member, value) in query.Metadata ?? [])
        {
            var name = Add(member);
            filters.Add(
                $"json_typeof(link_metadata_text(metadata)::json -> {name}) IN ('string', 'number', 'boolean') AND "
                    + $"link_metadata_text(metadata)::json ->> {name} = {Add(value)}"
            );
        }

        // Metadata without the member compares as unknown.
        var matches = filters.Count == 0 ? "true" : $"coalesce({string.Join(" AND ", filters)}, false)";
        var passes = filters.Count == 0 ? "true" : $"{matches} OR clock_timestamp() >= statement_timestamp() + {Add(query.SearchTime)}";
        // OFFSET 0 keeps the filters out of the partitions, each of which would otherwise look for a match of its own before the first link is compared: the
        // time would be over in one of other months.
        var inOrder = $"SELECT *, {key} AS place FROM urls WHERE {string.Join(" AND ", inIndex)} ORDER BY {key} {direction}, id {direction} OFFSET 0";
        return (
            $"SELECT {Columns}, {matches} FROM ({inOrder}) u WHERE {passes} ORDER BY place {direction}, id {direction} LIMIT {Add(LinkPageBuilder.MostOf(query))}",
            values
        );

        void AddRange(List<string> conditions, string time, TimeBounds range)
        {
            if (range.InMilliseconds.From is { } from)
                conditions.Add($"{time} >= {Add(DateTimeOffset.FromUnixTimeMilliseconds(from).UtcDateTime)}");
            if (range.InMilliseconds.To is { } to)
                conditions.Add($"{time} < {Add(DateTimeOffset.FromUnixTimeMilliseconds(to).UtcDateTime)}");
        }

        string Add(object value)
        {
            values.Add(value);
            return string.Create(CultureInfo.InvariantCulture, $"${values.Count}");
        }
    }

    // The driver writes DateTime.MaxValue as infinity.
    private static DateTime TimeOf(LinkCursor cursor) =>
        cursor.Value > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTime.SpecifyKind(DateTime.MaxValue, DateTimeKind.Utc)
            : DateTimeOffset.FromUnixTimeMilliseconds(cursor.Value).UtcDateTime;

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params object[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value });
        return command;
    }

    // If the value may be null, the type must be given explicitly.
    private static NpgsqlParameter Null(object? value, NpgsqlDbType type) => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };

    private static (long Id, Link Link) Read(NpgsqlDataReader row) =>
        (
            row.GetInt64(0),
            new Link(
                row.GetString(1),
                row.GetString(2),
                row.IsDBNull(3) ? null : row.GetInt64(3),
                row.GetFieldValue<DateTimeOffset>(4),
                TimeOrNull(row, 5),
                row.GetInt64(6),
                TimeOrNull(row, 7),
                row.GetBoolean(8),
                row.GetInt16(9),
                row.GetString(10)
            )
        );

    private static DateTimeOffset? TimeOrNull(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}
