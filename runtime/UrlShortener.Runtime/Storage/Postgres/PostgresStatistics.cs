using System.Globalization;
using Npgsql;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Statistics;
using static UrlShortener.Runtime.Storage.Postgres.PostgresCommands;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Computes statistics from the sums of whole days, and from single clicks if a day is not summed up or only partly in the range.</summary>
internal sealed class PostgresStatistics(PostgresDatabase database, TimeProvider time) : IStatisticsSource, IDaySums
{
    private const int QuartersPerHour = 4;
    private const short CountryKind = 1;

    // The days of the link that need more than their sums: days at the ends of the range, which may hold clicks outside of it, and days whose visitors are not
    // counted yet.
    private const string DaysSql = """
        SELECT day, first_at >= $4 AND last_at < $5, visitors IS NOT NULL FROM click_days
        WHERE short_code = $1 AND day >= $2 AND day <= $3 AND (day = $2 OR day = $3 OR visitors IS NULL)
        ORDER BY day
        """;

    private const string HoursSql = """
        SELECT extract(epoch FROM hour)::bigint, quarter_1, quarter_2, quarter_3, quarter_4 FROM click_hours
        WHERE short_code = $1 AND hour >= $2 AND hour < $3 ORDER BY hour
        """;

    private const string SumsSql = """
        SELECT coalesce(sum(visitors), 0)::bigint, coalesce(sum(bots), 0)::bigint, coalesce(sum(device_0), 0)::bigint, coalesce(sum(device_1), 0)::bigint,
            coalesce(sum(device_2), 0)::bigint, coalesce(sum(device_3), 0)::bigint
        FROM click_days WHERE short_code = $1 AND day >= $2 AND day < $3
        """;

    // Beyond this many values, the rest does not affect the top of the list. So many values mean that someone sent random names.
    private const string ValuesSql = """
        SELECT kind, value, sum(clicks)::bigint AS clicks FROM click_day_values
        WHERE short_code = $1 AND day >= $2 AND day < $3 GROUP BY kind, value ORDER BY clicks DESC LIMIT 50000
        """;

    // One pass over single clicks. Returns a row for each quarter, device, country and source, most clicks first (ClickTotalsBuilder).
    private const string ClicksSql = """
        SELECT
            GROUPING(quarter, device, country, source), extract(epoch FROM quarter)::bigint / 900, device, coalesce(country, ''), coalesce(source, ''),
            count(*) FILTER (WHERE NOT is_bot), count(*) FILTER (WHERE is_bot)
        FROM (
            SELECT date_bin('15 minutes', clicked_at, 'epoch') AS quarter, device, left(country, 255) AS country, left(source, 255) AS source, is_bot
            FROM click_events WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3
        ) clicks
        GROUP BY GROUPING SETS ((quarter), (device), (country), (source)) ORDER BY 6 DESC
        """;

    // The value of GROUPING for a row: a bit is set for each column that the row is not grouped by.
    private const int ByQuarter = 0b0111;
    private const int ByDevice = 0b1011;
    private const int ByCountry = 0b1101;

    // Rows of older releases have all 64 digits of a hash; 16 tell visitors apart, and are the same in both.
    private const string VisitorsSql = """
        SELECT count(*) FROM (
            SELECT DISTINCT left(ip_hash, 16) FROM click_events WHERE short_code = $1 AND clicked_at >= $2 AND clicked_at < $3 AND NOT is_bot AND ip_hash <> ''
        ) seen
        """;

    // For the transaction. statement_timeout: the server ends what the client could not cancel. work_mem: the sums of a day's clicks fit into memory. jit:
    // compiling would take longer than running.
    private const string QuerySettingsSql =
        "SELECT set_config('statement_timeout', $1, true), set_config('work_mem', '32MB', true), set_config('jit', 'off', true)";

    // Some links of the oldest uncounted day. Their clicks can be counted in a fraction of a second, unless the first link alone has more than that.
    private const string UncountedSql = """
        WITH uncounted AS MATERIALIZED (
            SELECT short_code, day, device_0 + device_1 + device_2 + device_3 AS clicks FROM click_days
            WHERE visitors IS NULL AND day = (SELECT min(day) FROM click_days WHERE visitors IS NULL AND day < $1)
            ORDER BY short_code LIMIT 200 FOR UPDATE SKIP LOCKED
        )
        SELECT short_code, day FROM (SELECT short_code, day, sum(clicks) OVER (ORDER BY short_code) - clicks AS before FROM uncounted) summed WHERE before < 200000
        """;

    // A separate statement, so that it sees all clicks stored before the rows were locked. Clicks stored later reset the number.
    private const string CountVisitorsSql = """
        UPDATE click_days d SET visitors = (
            SELECT count(*) FROM (
                SELECT DISTINCT left(c.ip_hash, 16) FROM click_events c
                WHERE c.short_code = d.short_code AND c.clicked_at >= $3 AND c.clicked_at < $4 AND NOT c.is_bot AND c.ip_hash <> ''
            ) seen
        )
        WHERE short_code = ANY ($1) AND day = $2
        """;

    private readonly CountedVisitors _counted = new(time);

    /// <inheritdoc />
    public Task<ClickTotals> ReadTotalsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long caller, CancellationToken cancellationToken) =>
        ReadAsync(shortCode, from, to, countsVisitors: true, caller, cancellationToken);

    /// <inheritdoc />
    public Task<ClickTotals> ReadCountsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long caller, CancellationToken cancellationToken) =>
        ReadAsync(shortCode, from, to, countsVisitors: false, caller, cancellationToken);

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
            cancellationToken
        );

    private Task<ClickTotals> ReadAsync(
        string shortCode,
        DateTimeOffset from,
        DateTimeOffset to,
        bool countsVisitors,
        long caller,
        CancellationToken cancellationToken
    ) =>
        database.QueryNearAsync(
            caller,
            async (connection, token) =>
            {
                // One snapshot for all queries: clicks stored meanwhile are in every sum or in none.
                await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, token);
                var plan = await PlanAsync(connection, shortCode, from.UtcDateTime, to.UtcDateTime, token);
                return await ReadAsync(connection, shortCode, countsVisitors ? plan : plan with { Visitors = [] }, token);
            },
            cancellationToken
        );

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
                // Every grouping has the bots; add them only once.
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
}
