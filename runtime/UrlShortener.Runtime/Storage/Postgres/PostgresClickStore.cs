using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using NpgsqlTypes;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Statistics;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <inheritdoc />
internal sealed class PostgresClickStore(PostgresDatabase database, TimeProvider time) : IClickStore
{
    private const int SaltBytes = 32;
    private const int QuartersPerHour = 4;
    private const short CountryKind = 1;

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

    // The link's days that need a second look: those at the ends of the range, which may hold clicks outside of it, and those whose visitors are not counted yet.
    private const string DaysSql =
        """
        SELECT day, first_at >= $4 AND last_at < $5, visitors IS NOT NULL FROM click_days
        WHERE short_code = $1 AND day >= $2 AND day <= $3 AND (day = $2 OR day = $3 OR visitors IS NULL)
        ORDER BY day
        """;

    private const string HoursSql =
        """
        SELECT extract(epoch FROM hour)::bigint, quarter_1, quarter_2, quarter_3, quarter_4 FROM click_hours
        WHERE short_code = $1 AND hour >= $2 AND hour < $3 ORDER BY hour
        """;

    private const string SumsSql =
        """
        SELECT coalesce(sum(visitors), 0)::bigint, coalesce(sum(bots), 0)::bigint, coalesce(sum(device_0), 0)::bigint, coalesce(sum(device_1), 0)::bigint,
            coalesce(sum(device_2), 0)::bigint, coalesce(sum(device_3), 0)::bigint
        FROM click_days WHERE short_code = $1 AND day >= $2 AND day < $3
        """;

    // Past so many values nobody's place in the list depends on the rest, and somebody sent names at random.
    private const string ValuesSql =
        """
        SELECT kind, value, sum(clicks)::bigint AS clicks FROM click_day_values
        WHERE short_code = $1 AND day >= $2 AND day < $3 GROUP BY kind, value ORDER BY clicks DESC LIMIT 50000
        """;

    // One pass over single clicks; a row for each quarter, device, country and source, those with most clicks first (ClickTotalsBuilder).
    private const string ClicksSql =
        """
        SELECT
            GROUPING(quarter, device, country, source), extract(epoch FROM quarter)::bigint / 900, device, coalesce(country, ''), coalesce(source, ''),
            count(*) FILTER (WHERE NOT is_bot), count(*) FILTER (WHERE is_bot)
        FROM (
            SELECT date_bin('15 minutes', clicked_at, 'epoch') AS quarter, device, left(country, 255) AS country, left(source, 255) AS source, is_bot
            FROM click_events WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3
        ) clicks
        GROUP BY GROUPING SETS ((quarter), (device), (country), (source)) ORDER BY 6 DESC
        """;

    // What GROUPING says of a row: a bit for each column that it is not grouped by.
    private const int ByQuarter = 0b0111;
    private const int ByDevice = 0b1011;
    private const int ByCountry = 0b1101;

    private const string VisitorsSql =
        """
        SELECT count(*) FROM (
            SELECT DISTINCT ip_hash FROM click_events WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3 AND NOT is_bot AND ip_hash <> ''
        ) seen
        """;

    // For the transaction. The server itself ends what the client could not cancel; sums of a day's clicks fit into memory; compiling takes longer than running.
    private const string QuerySettingsSql =
        "SELECT set_config('statement_timeout', $1, true), set_config('work_mem', '32MB', true), set_config('jit', 'off', true)";

    // Some links of the oldest such day, with no more clicks together than are counted in a fraction of a second, unless the first one has more.
    private const string UncountedSql =
        """
        WITH uncounted AS MATERIALIZED (
            SELECT short_code, day, device_0 + device_1 + device_2 + device_3 AS clicks FROM click_days
            WHERE visitors IS NULL AND day = (SELECT min(day) FROM click_days WHERE visitors IS NULL AND day < $1)
            ORDER BY short_code LIMIT 200 FOR UPDATE SKIP LOCKED
        )
        SELECT short_code, day FROM (SELECT short_code, day, sum(clicks) OVER (ORDER BY short_code) - clicks AS before FROM uncounted) summed WHERE before < 200000
        """;

    // A statement of its own, so that it sees what was stored until the rows were locked. What is stored later sets the number back.
    private const string CountVisitorsSql =
        """
        UPDATE click_days d SET visitors = (
            SELECT count(*) FROM (
                SELECT DISTINCT ip_hash FROM click_events c
                WHERE c.short_code = d.short_code AND c.clicked_at >= $3 AND c.clicked_at < $4 AND NOT c.is_bot AND c.ip_hash <> ''
            ) seen
        )
        WHERE short_code = ANY ($1) AND day = $2
        """;

    private const string DueSql = "SELECT short_code FROM deleted_links WHERE due_at <= now() ORDER BY due_at LIMIT 50 FOR UPDATE SKIP LOCKED";

    private const string DueDaysSql =
        "SELECT short_code, day, bots + device_0 + device_1 + device_2 + device_3 FROM click_days WHERE short_code = ANY ($1) ORDER BY short_code, day LIMIT 100";

    // Within one UTC day, so that all of them lie in one partition.
    private const string DeleteClicksSql =
        """
        DELETE FROM click_events WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3
            AND ctid = ANY (ARRAY(SELECT ctid FROM click_events WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3 LIMIT $4))
        """;

    private const string DeleteDayOfClicksSql = "DELETE FROM click_events WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3";
    private const string DeleteHoursSql = "DELETE FROM click_hours WHERE short_code = $1 AND hour >= $2 AND hour < $3";
    private const string DeleteValuesSql = "DELETE FROM click_day_values WHERE short_code = $1 AND day = $2";
    private const string DeleteDaySql = "DELETE FROM click_days WHERE short_code = $1 AND day = $2";

    // Once more a minute after the deletion: clicks that were being stored meanwhile did not see it.
    private const string GoneSql =
        """
        UPDATE deleted_links SET due_at = CASE WHEN now() < deleted_at + interval '1 minute' THEN deleted_at + interval '1 minute' END
        WHERE short_code = ANY ($1) AND NOT EXISTS (SELECT 1 FROM click_days d WHERE d.short_code = deleted_links.short_code)
        """;

    // By then no process holds a click of it.
    private const string ForgetSql =
        "DELETE FROM deleted_links WHERE short_code = ANY (ARRAY(SELECT short_code FROM deleted_links WHERE due_at IS NULL AND deleted_at < now() - interval '30 days' LIMIT $1))";

    private readonly CountedVisitors _counted = new(time);

    /// <inheritdoc />
    public async Task AppendAsync(Guid batch, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
    {
        if (clicks.Count == 0)
            return;
        await database.WriteInBackgroundAsync(
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
    public Task<ClickTotals> ReadTotalsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long caller, CancellationToken cancellationToken) =>
        ReadAsync(shortCode, from, to, countsVisitors: true, caller, cancellationToken);

    /// <inheritdoc />
    public Task<ClickTotals> ReadCountsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long caller, CancellationToken cancellationToken) =>
        ReadAsync(shortCode, from, to, countsVisitors: false, caller, cancellationToken);

    /// <inheritdoc />
    public Task<byte[]> GetSaltAsync(DateOnly day, CancellationToken cancellationToken) =>
        database.WriteInBackgroundAsync(
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
        database.WriteInBackgroundAsync(
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
        database.WriteInBackgroundAsync(
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

    /// <inheritdoc />
    public Task<int> SumUpAsync(DateOnly before, CancellationToken cancellationToken) =>
        database.WriteInBackgroundAsync(
            "visitors",
            async (connection, token) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(token);
                var codes = new List<string>();
                var day = default(DateOnly);
                await using (var command = new NpgsqlCommand(UncountedSql, connection) { Parameters = { new() { Value = before } } })
                await using (var reader = await command.ExecuteReaderAsync(token))
                {
                    while (await reader.ReadAsync(token))
                    {
                        codes.Add(reader.GetString(0));
                        day = reader.GetFieldValue<DateOnly>(1);
                    }
                }

                if (codes.Count == 0)
                    return 0;
                await using var count = new NpgsqlBatch(connection)
                {
                    BatchCommands = { Command(CountVisitorsSql, codes.ToArray(), day, StatisticsPlan.StartOf(day), StatisticsPlan.StartOf(day.AddDays(1))) },
                };
                await count.ExecuteNonQueryAsync(token);
                await transaction.CommitAsync(token);
                return codes.Count;
            },
            cancellationToken);

    /// <inheritdoc />
    public Task<int> DeleteOfDeletedLinksAsync(int limit, CancellationToken cancellationToken) =>
        database.WriteInBackgroundAsync(
            "clicks of deleted links",
            async (connection, token) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(token);
                var due = await ReadAllAsync(connection, new NpgsqlBatchCommand(DueSql), row => row.GetString(0), token);
                if (due.Count == 0)
                {
                    await ExecuteAsync(connection, token, Command(ForgetSql, limit));
                    await transaction.CommitAsync(token);
                    return 0;
                }

                var days = await ReadAllAsync(
                    connection, Command(DueDaysSql, (object)due.ToArray()), row => (Code: row.GetString(0), Day: row.GetFieldValue<DateOnly>(1), Clicks: row.GetInt32(2)), token);
                var budget = limit;
                foreach (var (code, day, clicks) in days.TakeWhile(_ => budget > 0))
                    budget -= await DeleteDayAsync(connection, code, day, clicks, budget, token);
                var gone = await ExecuteAsync(connection, token, Command(GoneSql, (object)due.ToArray()));
                await transaction.CommitAsync(token);
                return limit - budget + gone;
            },
            cancellationToken);

    // Returns how much of the limit it took.
    private static async Task<int> DeleteDayAsync(NpgsqlConnection connection, string code, DateOnly day, int clicks, int limit, CancellationToken cancellationToken)
    {
        var (start, end) = (StatisticsPlan.StartOf(day), StatisticsPlan.StartOf(day.AddDays(1)));
        if (clicks > limit && await ExecuteAsync(connection, cancellationToken, Command(DeleteClicksSql, code, start, end, limit)) is var deleted && deleted == limit)
            return limit;
        await ExecuteAsync(
            connection,
            cancellationToken,
            Command(DeleteDayOfClicksSql, code, start, end),
            Command(DeleteHoursSql, code, start, end),
            Command(DeleteValuesSql, code, day),
            Command(DeleteDaySql, code, day));
        return Math.Min(clicks, limit) + 1;
    }

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, CancellationToken cancellationToken, params NpgsqlBatchCommand[] commands)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var command in commands)
            batch.BatchCommands.Add(command);
        return await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<List<T>> ReadAllAsync<T>(NpgsqlConnection connection, NpgsqlBatchCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { command } };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        return rows;
    }

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

    private Task<ClickTotals> ReadAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, bool countsVisitors, long caller, CancellationToken cancellationToken) =>
        database.QueryNearAsync(
            caller,
            async (connection, token) =>
            {
                // One state of the tables for all of it: what is stored meanwhile is in every sum, or in none.
                await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, token);
                var plan = await PlanAsync(connection, shortCode, from.UtcDateTime, to.UtcDateTime, token);
                return await ReadAsync(connection, shortCode, countsVisitors ? plan : plan with { Visitors = [] }, token);
            },
            cancellationToken);

    private async Task<StatisticsPlan> PlanAsync(NpgsqlConnection connection, string shortCode, DateTime from, DateTime to, CancellationToken cancellationToken)
    {
        var (first, last) = (DateOnly.FromDateTime(from), DateOnly.FromDateTime(to.AddTicks(-1)));
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Command(QuerySettingsSql, ((long)database.QueryTimeout.TotalMilliseconds).ToString(CultureInfo.InvariantCulture)),
                Command(DaysSql, shortCode, first, last, from, to),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var days = new List<DayState>();
        while (await reader.ReadAsync(cancellationToken))
            days.Add(new DayState(reader.GetFieldValue<DateOnly>(0), reader.GetBoolean(1), reader.GetBoolean(2)));
        return StatisticsPlan.Of(from, to, days);
    }

    private async Task<ClickTotals> ReadAsync(NpgsqlConnection connection, string shortCode, StatisticsPlan plan, CancellationToken cancellationToken)
    {
        var (first, end) = (StatisticsPlan.StartOf(plan.FirstDay), StatisticsPlan.StartOf(plan.EndDay));
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Command(HoursSql, shortCode, first, end),
                Command(SumsSql, shortCode, plan.FirstDay, plan.EndDay),
                Command(ValuesSql, shortCode, plan.FirstDay, plan.EndDay),
            },
        };
        foreach (var part in plan.Clicks)
            batch.BatchCommands.Add(Command(ClicksSql, shortCode, part.From, part.To));
        var totals = new ClickTotalsBuilder();
        var uncounted = new List<TimeRange>();
        foreach (var part in plan.Visitors)
        {
            if (_counted.Find(shortCode, part) is { } visitors)
            {
                totals.AddVisitors(visitors);
                continue;
            }

            uncounted.Add(part);
            batch.BatchCommands.Add(Command(VisitorsSql, shortCode, part.From, part.To));
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            for (var i = 0; i < QuartersPerHour; i++)
                totals.AddQuarter((reader.GetInt64(0) / TimeSeries.QuarterSeconds) + i, reader.GetInt32(1 + i));
        }

        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        totals.AddVisitors(reader.GetInt64(0));
        totals.AddBots(reader.GetInt64(1));
        foreach (var device in Enum.GetValues<DeviceClass>())
            totals.AddDevice(device, reader.GetInt64(2 + (int)device));

        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.GetInt16(0) == CountryKind)
                totals.AddCountry(reader.GetString(1), reader.GetInt64(2));
            else
                totals.AddSource(reader.GetString(1), reader.GetInt64(2));
        }

        foreach (var _ in plan.Clicks)
        {
            await reader.NextResultAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                AddClicks(totals, reader);
        }

        foreach (var part in uncounted)
        {
            await reader.NextResultAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            totals.AddVisitors(reader.GetInt64(0));
            _counted.Keep(shortCode, part, reader.GetInt64(0));
        }

        return totals.Build();
    }

    private static void AddClicks(ClickTotalsBuilder totals, NpgsqlDataReader row)
    {
        var people = row.GetInt64(5);
        switch (row.GetInt32(0))
        {
            case ByQuarter:
                totals.AddQuarter(row.GetInt64(1), people);
                break;
            case ByDevice:
                totals.AddDevice((DeviceClass)row.GetInt16(2), people);
                // Once, with any one of the groupings.
                totals.AddBots(row.GetInt64(6));
                break;
            case ByCountry:
                totals.AddCountry(row.GetString(3), people);
                break;
            default:
                totals.AddSource(row.GetString(4), people);
                break;
        }
    }

    private static NpgsqlBatchCommand Command(string sql, params object[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command;
    }
}
