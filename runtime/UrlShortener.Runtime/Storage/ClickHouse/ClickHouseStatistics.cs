using System.Globalization;
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
    private const string DaysSql = """
        SELECT toUInt32(day), min(first_at) >= fromUnixTimestamp64Milli({from:Int64}) AND max(last_at) < fromUnixTimestamp64Milli({to:Int64})
        FROM clicks_by_day WHERE short_code = {code:String} AND day IN (toDate({first:Int32}), toDate({last:Int32})) GROUP BY day ORDER BY day
        """;

    // Pairs of a name and its clicks, those with most clicks first. Beyond so many the rest does not affect the top of the list: then someone sent random names.
    // A day's sketch is read for itself: a visitor counts again each UTC day, as the salt of the hashes changes then.
    private const string SumsSql = """
        SELECT
            sum(day_visitors), mapKeys(sumMap(day_countries)), mapValues(sumMap(day_countries)),
            arraySlice(arrayReverseSort(pair -> pair.2, CAST(sumMap(day_sources), 'Array(Tuple(String, UInt64))')), 1, 50000) AS top,
            arrayMap(pair -> pair.1, top), arrayMap(pair -> pair.2, top),
            arrayMap(device -> CAST(device, 'Int8'), mapKeys(sumMap(day_devices))), mapValues(sumMap(day_devices))
        FROM (
            SELECT
                {countsVisitors:Bool} ? uniqCombined64Merge(visitors) : 0 AS day_visitors,
                sumMap(countries) AS day_countries, sumMap(sources) AS day_sources, sumMap(devices) AS day_devices
            FROM clicks_by_day WHERE short_code = {code:String} AND day >= toDate({first:Int32}) AND day < toDate({end:Int32}) GROUP BY day
        )
        """;

    private const string QuartersSql = """
        SELECT intDiv(toUInt32(at), 900), sum(clicks), sum(bots) FROM clicks_by_quarter_hour
        WHERE short_code = {code:String} AND at >= toDateTime({first:Int32} * 86400, 'UTC') AND at < toDateTime({end:Int32} * 86400, 'UTC') GROUP BY at
        """;

    private static readonly int EpochDay = DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;

    // One pass over the single clicks of a part of a day. A row for each quarter, device, country and source, most clicks first (ClickTotalsBuilder).
    private const string ClicksSql = """
        SELECT GROUPING(quarter, device, country, source) AS kind, quarter, device, country, source, countIf(NOT is_bot) AS people, countIf(is_bot)
        FROM (
            SELECT
                intDiv(toUnixTimestamp(clicked_at), 900) AS quarter, CAST(device, 'Int8') AS device, CAST(country, 'String') AS country,
                substringUTF8(source, 1, 255) AS source, is_bot
            FROM clicks
            WHERE short_code = {code:String} AND clicked_at >= fromUnixTimestamp64Milli({from:Int64}) AND clicked_at < fromUnixTimestamp64Milli({to:Int64})
        )
        GROUP BY GROUPING SETS ((quarter), (device), (country), (source)) ORDER BY people DESC LIMIT 50000 BY kind
        """;

    // The value of GROUPING for a row: a bit is set for each column that the row is not grouped by.
    private const int ByQuarter = 0b0111;
    private const int ByDevice = 0b1011;
    private const int ByCountry = 0b1101;

    private const string VisitorsSql = """
        SELECT uniqCombined64(visitor) FROM clicks
        WHERE short_code = {code:String} AND clicked_at >= fromUnixTimestamp64Milli({from:Int64}) AND clicked_at < fromUnixTimestamp64Milli({to:Int64})
            AND NOT is_bot AND visitor != 0
        """;

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
        var (start, end) = (ClickHouseTime.Clamp(from.UtcDateTime), ClickHouseTime.Clamp(to.UtcDateTime));
        if (start >= end)
            return new ClickTotalsBuilder().Build();
        return await database.QueryAsync(
            caller,
            async query =>
            {
                var plan = await PlanAsync(query, shortCode, start, end);
                var totals = new ClickTotalsBuilder();
                // At the same time: most of the time of each is not work of the server.
                foreach (var add in await Task.WhenAll(Read(query, shortCode, plan, countsVisitors)))
                    add(totals);
                return totals.Build();
            },
            cancellationToken
        );
    }

    private static async Task<StatisticsPlan> PlanAsync(ClickHouseDatabase.ClickHouseQuery query, string shortCode, DateTime from, DateTime to)
    {
        var days = await query.ReadAsync(
            DaysSql,
            row => new DayState(DateOnly.FromDayNumber(EpochDay + (int)ReadNumber(row, 0)), IsWhole: ReadNumber(row, 1) == 1, IsCounted: true),
            ("code", shortCode),
            ("from", ClickHouseTime.MillisecondOf(from)),
            ("to", ClickHouseTime.MillisecondOf(to)),
            ("first", DateOnly.FromDateTime(from).DayNumber - EpochDay),
            ("last", DateOnly.FromDateTime(to.AddTicks(-1)).DayNumber - EpochDay)
        );
        return StatisticsPlan.Of(from, to, days);
    }

    // Each adds its rows when all have been read.
    private static IEnumerable<Task<Action<ClickTotalsBuilder>>> Read(
        ClickHouseDatabase.ClickHouseQuery query,
        string shortCode,
        StatisticsPlan plan,
        bool countsVisitors
    )
    {
        (string, object)[] days = [("code", shortCode), ("first", plan.FirstDay.DayNumber - EpochDay), ("end", plan.EndDay.DayNumber - EpochDay)];
        if (plan.FirstDay < plan.EndDay)
        {
            yield return ReadAsync(query, QuartersSql, AddQuarter, days);
            yield return ReadAsync(query, SumsSql, AddSums, [.. days, ("countsVisitors", countsVisitors)]);
        }

        foreach (var part in plan.Clicks)
        {
            (string, object)[] range = [("code", shortCode), ("from", ClickHouseTime.MillisecondOf(part.From)), ("to", ClickHouseTime.MillisecondOf(part.To))];
            yield return ReadAsync(query, ClicksSql, AddClicks, range);
            if (countsVisitors)
                yield return ReadAsync(query, VisitorsSql, (totals, row) => totals.AddVisitors(ReadNumber(row, 0)), range);
        }
    }

    private static async Task<Action<ClickTotalsBuilder>> ReadAsync(
        ClickHouseDatabase.ClickHouseQuery query,
        string sql,
        Action<ClickTotalsBuilder, object[]> add,
        (string, object)[] parameters
    )
    {
        var rows = await query.ReadAsync(sql, ReadRow, parameters);
        return totals => rows.ForEach(row => add(totals, row));
    }

    private static object[] ReadRow(ClickHouseDataReader reader)
    {
        var row = new object[reader.FieldCount];
        reader.GetValues(row);
        return row;
    }

    private static void AddQuarter(ClickTotalsBuilder totals, object[] row)
    {
        totals.AddQuarter(ReadNumber(row, 0), ReadNumber(row, 1));
        totals.AddBots(ReadNumber(row, 2));
    }

    private static void AddSums(ClickTotalsBuilder totals, object[] row)
    {
        totals.AddVisitors(ReadNumber(row, 0));
        foreach (var (country, clicks) in Pairs<string>(row, 1))
            totals.AddCountry(country, clicks);
        foreach (var (source, clicks) in Pairs<string>(row, 4))
            totals.AddSource(source, clicks);
        foreach (var (device, clicks) in Pairs<sbyte>(row, 6))
            totals.AddDevice((DeviceClass)device, clicks);
    }

    private static void AddClicks(ClickTotalsBuilder totals, object[] row)
    {
        var people = ReadNumber(row, 5);
        switch (ReadNumber(row, 0))
        {
            case ByQuarter:
                totals.AddQuarter(ReadNumber(row, 1), people);
                // Every grouping has the bots; they are added once.
                totals.AddBots(ReadNumber(row, 6));
                break;
            case ByDevice:
                totals.AddDevice((DeviceClass)ReadNumber(row, 2), people);
                break;
            case ByCountry:
                totals.AddCountry((string)row[3], people);
                break;
            default:
                totals.AddSource((string)row[4], people);
                break;
        }
    }

    // Two columns, of keys and of their clicks.
    private static IEnumerable<(T Key, long Clicks)> Pairs<T>(object[] row, int column) =>
        ((T[])row[column]).Zip((ulong[])row[column + 1], (key, clicks) => (key, (long)clicks));

    private static long ReadNumber(ClickHouseDataReader row, int column) => Convert.ToInt64(row.GetValue(column), CultureInfo.InvariantCulture);

    private static long ReadNumber(object[] row, int column) => Convert.ToInt64(row[column], CultureInfo.InvariantCulture);
}
