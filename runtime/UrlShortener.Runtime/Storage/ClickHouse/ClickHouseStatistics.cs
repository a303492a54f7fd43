using System.Globalization;
using System.Text;
using ClickHouse.Driver.ADO.Readers;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Statistics;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>
/// Computes statistics from the sums of whole days and of quarters of an hour, and from single clicks for the days at the ends of a range that have clicks
/// outside of it.
/// </summary>
internal sealed class ClickHouseStatistics(ClickHouseDatabase database) : IStatisticsSource
{
    // Days that ClickHouse's types of time can hold lie before 2106.
    private static readonly DateTime Beginning = DateTime.UnixEpoch;
    private static readonly DateTime End = new(2105, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    // What the answer shows of countries and sources at most.
    private const string TopSql = "ORDER BY total DESC, name LIMIT 250";

    private const string DaysSql = """
        SELECT toUInt32(day), min(first_at) >= fromUnixTimestamp64Milli({from:Int64}) AND max(last_at) < fromUnixTimestamp64Milli({to:Int64})
        FROM clicks_by_day WHERE short_code = {code:String} AND day IN (toDate({first:Int32}), toDate({last:Int32})) GROUP BY day ORDER BY day
        """;

    private const string WholeDays = "clicks_by_day WHERE short_code = {code:String} AND day >= toDate({first:Int32}) AND day < toDate({end:Int32})";

    private const string WholeQuarters =
        "clicks_by_quarter_hour WHERE short_code = {code:String} AND at >= toDateTime({first:Int32} * 86400, 'UTC') AND at < toDateTime({end:Int32} * 86400, 'UTC')";

    /// <inheritdoc />
    public Task<ClickTotals> ReadTotalsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long caller, CancellationToken cancellationToken) =>
        ReadAsync(shortCode, from, to, countsVisitors: true, caller, cancellationToken);

    /// <inheritdoc />
    public Task<ClickTotals> ReadCountsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long caller, CancellationToken cancellationToken) =>
        ReadAsync(shortCode, from, to, countsVisitors: false, caller, cancellationToken);

    private async Task<ClickTotals> ReadAsync(
        string shortCode,
        DateTimeOffset from,
        DateTimeOffset to,
        bool countsVisitors,
        long caller,
        CancellationToken cancellationToken
    )
    {
        var (start, end) = (Clamp(from.UtcDateTime), Clamp(to.UtcDateTime));
        if (start >= end)
            return new ClickTotalsBuilder().Build();
        return await database.QueryAsync(
            caller,
            async query =>
            {
                var plan = await PlanAsync(query, shortCode, start, end);
                var totals = new ClickTotalsBuilder();
                await query.ReadAsync(
                    BuildSql(plan, countsVisitors),
                    row => Add(totals, row),
                    [
                        ("code", shortCode),
                        ("first", plan.FirstDay.DayNumber - EpochDay),
                        ("end", plan.EndDay.DayNumber - EpochDay),
                        .. plan.Clicks.SelectMany((part, i) => new[] { ($"from{i}", (object)MillisecondOf(part.From)), ($"to{i}", MillisecondOf(part.To)) }),
                    ]
                );
                return totals.Build();
            },
            cancellationToken
        );
    }

    private static int EpochDay { get; } = DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;

    private static async Task<StatisticsPlan> PlanAsync(ClickHouseDatabase.ClickHouseQuery query, string shortCode, DateTime from, DateTime to)
    {
        var days = await query.ReadAsync(
            DaysSql,
            row => new DayState(DateOnly.FromDayNumber(EpochDay + (int)ReadNumber(row, 0)), IsWhole: ReadNumber(row, 1) == 1, IsCounted: true),
            ("code", shortCode),
            ("from", MillisecondOf(from)),
            ("to", MillisecondOf(to)),
            ("first", DateOnly.FromDateTime(from).DayNumber - EpochDay),
            ("last", DateOnly.FromDateTime(to.AddTicks(-1)).DayNumber - EpochDay)
        );
        return StatisticsPlan.Of(from, to, days);
    }

    /// <summary>One query for everything: rows of a kind, a name, a number, and clicks by people and by machines.</summary>
    internal static string BuildSql(StatisticsPlan plan, bool countsVisitors)
    {
        var parts = string.Join(
            " OR ",
            plan.Clicks.Select(
                (_, i) =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"(clicked_at >= fromUnixTimestamp64Milli({{from{i}:Int64}}) AND clicked_at < fromUnixTimestamp64Milli({{to{i}:Int64}}))"
                    )
            )
        );
        var clicks = $"clicks WHERE short_code = {{code:String}} AND ({parts})";
        var hasParts = plan.Clicks.Count > 0;
        var sql = new StringBuilder();

        Append(
            Kind.Quarter,
            "'', number, sum(people), sum(machines)",
            $"SELECT intDiv(toUInt32(at), 900) AS number, sum(clicks) AS people, sum(bots) AS machines FROM {WholeQuarters} GROUP BY at",
            $"SELECT intDiv(toUnixTimestamp(clicked_at), 900) AS number, countIf(NOT is_bot), countIf(is_bot) FROM {clicks} GROUP BY number",
            "GROUP BY number"
        );
        Append(
            Kind.Country,
            "name, 0, sum(people) AS total, 0",
            $"SELECT pair.1 AS name, pair.2 AS people FROM ({Pairs("countries")})",
            $"SELECT CAST(country, 'String') AS name, count() FROM {clicks} AND NOT is_bot GROUP BY country",
            $"GROUP BY name {TopSql}"
        );
        Append(
            Kind.Source,
            "name, 0, sum(people) AS total, 0",
            $"SELECT pair.1 AS name, pair.2 AS people FROM ({Pairs("sources")})",
            $"SELECT substringUTF8(source, 1, 255) AS name, count() FROM {clicks} AND NOT is_bot GROUP BY name",
            $"GROUP BY name {TopSql}"
        );
        Append(
            Kind.Device,
            "'', number, sum(people), 0",
            $"SELECT CAST(pair.1, 'Int8') AS number, pair.2 AS people FROM ({Pairs("devices", "Enum8(\\'other\\' = 0, \\'desktop\\' = 1, \\'mobile\\' = 2, \\'tablet\\' = 3)")})",
            $"SELECT CAST(device, 'Int8') AS number, count() FROM {clicks} AND NOT is_bot GROUP BY device",
            "GROUP BY number"
        );
        if (countsVisitors)
        {
            // A visitor is counted again each UTC day, as the salt of the hashes changes then.
            Append(
                Kind.Visitors,
                "'', 0, sum(people), 0",
                $"SELECT uniqCombined64Merge(visitors) AS people FROM {WholeDays} GROUP BY day",
                $"SELECT uniqCombined64(visitor) FROM {clicks} AND NOT is_bot AND visitor != 0 GROUP BY toDate(clicked_at)",
                ""
            );
        }

        return sql.ToString();

        void Append(Kind kind, string columns, string ofDays, string ofClicks, string grouping) =>
            sql.Append(sql.Length > 0 ? "UNION ALL " : "")
                .Append(
                    CultureInfo.InvariantCulture,
                    $"SELECT * FROM (SELECT {(int)kind}, {columns} FROM ({ofDays}{(hasParts ? $" UNION ALL {ofClicks}" : "")}) {grouping})\n"
                );
    }

    // The pairs of the sum of a column of maps, a row each.
    private static string Pairs(string column, string key = "String") =>
        $"SELECT arrayJoin(CAST(sumMap({column}), 'Array(Tuple({key}, UInt64))')) AS pair FROM {WholeDays}";

    private static bool Add(ClickTotalsBuilder totals, ClickHouseDataReader row)
    {
        var (name, number, people) = (row.GetString(1), ReadNumber(row, 2), ReadNumber(row, 3));
        switch ((Kind)ReadNumber(row, 0))
        {
            case Kind.Quarter:
                totals.AddQuarter(number, people);
                totals.AddBots(ReadNumber(row, 4));
                break;
            case Kind.Country:
                totals.AddCountry(name, people);
                break;
            case Kind.Source:
                totals.AddSource(name, people);
                break;
            case Kind.Device:
                totals.AddDevice((DeviceClass)number, people);
                break;
            default:
                totals.AddVisitors(people);
                break;
        }

        return true;
    }

    private static long ReadNumber(ClickHouseDataReader row, int column) => Convert.ToInt64(row.GetValue(column), CultureInfo.InvariantCulture);

    // Clicks have whole milliseconds: those from a moment on are those from the next whole one on.
    private static long MillisecondOf(DateTime time) => ((time - DateTime.UnixEpoch).Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;

    private static DateTime Clamp(DateTime time) =>
        time < Beginning ? Beginning
        : time > End ? End
        : time;

    private enum Kind
    {
        Quarter,
        Country,
        Source,
        Device,
        Visitors,
    }
}
