using System.Globalization;
using UrlShortener.Runtime.Statistics;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>Counts from the sums per minute of the Flink job while they are fresh, and from single clicks otherwise.</summary>
internal sealed class ClickHouseRecentCounts(ClickHouseDatabase database) : IRecentCounts
{
    // Results come within half a minute. Later, single clicks tell more.
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(2);

    private const string NewestSql = "SELECT toUnixTimestamp64Milli(max(last_at)) FROM newest_results WHERE day >= toDate({day:Int32})";

    private const string MinuteHoursSql = """
        SELECT short_code, sumIf(people, minute >= toDateTime({middle:Int64}, 'UTC')), sumIf(people, minute < toDateTime({middle:Int64}, 'UTC'))
        FROM (
            SELECT short_code, minute, max(clicks) AS people FROM clicks_by_minute
            WHERE short_code IN {codes:Array(String)} AND minute >= toDateTime({begin:Int64}, 'UTC') AND minute < toDateTime({end:Int64}, 'UTC')
            GROUP BY short_code, minute
        )
        GROUP BY short_code
        """;

    private const string ClickHoursSql = """
        SELECT short_code, countIf(clicked_at >= toDateTime({middle:Int64}, 'UTC')), countIf(clicked_at < toDateTime({middle:Int64}, 'UTC'))
        FROM clicks
        WHERE short_code IN {codes:Array(String)} AND NOT is_bot
            AND clicked_at >= toDateTime({begin:Int64}, 'UTC') AND clicked_at < toDateTime({end:Int64}, 'UTC')
        GROUP BY short_code
        """;

    private const string MinutesSql = """
        SELECT toUnixTimestamp(minute), max(clicks) FROM clicks_by_minute
        WHERE short_code = {code:String} AND minute >= toDateTime({middle:Int64}, 'UTC') AND minute < toDateTime({end:Int64}, 'UTC')
        GROUP BY minute
        """;

    /// <inheritdoc />
    public int MaxCodes => 1_000;

    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<string, HourCounts>> ReadHoursAsync(
        IReadOnlyList<string> codes,
        RecentHours hours,
        long caller,
        CancellationToken cancellationToken
    ) =>
        await database.QueryAsync(
            caller,
            async query =>
            {
                var rows = await query.ReadAsync(
                    await IsFreshAsync(query, hours) ? MinuteHoursSql : ClickHoursSql,
                    row => (Code: row.GetString(0), Counts: new HourCounts(ToNumber(row.GetValue(1)), ToNumber(row.GetValue(2)))),
                    ("codes", codes.ToArray()),
                    ("begin", hours.Begin.ToUnixTimeSeconds()),
                    ("middle", hours.Middle.ToUnixTimeSeconds()),
                    ("end", hours.End.ToUnixTimeSeconds())
                );
                return rows.ToDictionary(row => row.Code, row => row.Counts, StringComparer.Ordinal);
            },
            cancellationToken
        );

    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<DateTimeOffset, long>?> ReadMinutesAsync(
        string code,
        RecentHours hours,
        long caller,
        CancellationToken cancellationToken
    ) =>
        await database.QueryAsync(
            caller,
            async query =>
            {
                if (!await IsFreshAsync(query, hours))
                    return null;
                var rows = await query.ReadAsync(
                    MinutesSql,
                    row => (Minute: DateTimeOffset.FromUnixTimeSeconds(ToNumber(row.GetValue(0))), Clicks: ToNumber(row.GetValue(1))),
                    ("code", code),
                    ("middle", hours.Middle.ToUnixTimeSeconds()),
                    ("end", hours.End.ToUnixTimeSeconds())
                );
                return rows.ToDictionary(row => row.Minute, row => row.Clicks);
            },
            cancellationToken
        );

    private static async Task<bool> IsFreshAsync(ClickHouseDatabase.ClickHouseQuery query, RecentHours hours)
    {
        var yesterday = DateOnly.FromDateTime(hours.Now.UtcDateTime).DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber - 1;
        try
        {
            var newest = ClickHouseFailure.SingleOf(await query.ReadAsync(NewestSql, row => ToNumber(row.GetValue(0)), ("day", yesterday)));
            return hours.Now - DateTimeOffset.FromUnixTimeMilliseconds(newest) < Fresh;
        }
        // Until the migration has run, the other statistics work as before.
        catch (Exception error) when (ClickHouseFailure.IsMissingTable(error))
        {
            return false;
        }
    }

    private static long ToNumber(object value) => Convert.ToInt64(value, CultureInfo.InvariantCulture);
}
