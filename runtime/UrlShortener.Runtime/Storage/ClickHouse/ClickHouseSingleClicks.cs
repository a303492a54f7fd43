using System.Globalization;
using System.Runtime.CompilerServices;
using ClickHouse.Driver.ADO.Readers;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Statistics;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>Reads single clicks in pages, each of which goes on where the one before ended.</summary>
internal sealed class ClickHouseSingleClicks(ClickHouseDatabase database) : ISingleClicks
{
    private const int ClicksPerPage = 5_000;

    private const string RangeSql =
        "short_code = {code:String} AND clicked_at >= fromUnixTimestamp64Milli({from:Int64}) AND clicked_at < fromUnixTimestamp64Milli({to:Int64})";

    private const string CountSql = $"SELECT count() FROM (SELECT 1 FROM clicks WHERE {RangeSql} LIMIT {{limit:Int64}})";

    private const string DaysSql = $"SELECT toUInt32(toDate(clicked_at)) AS day, count() FROM clicks WHERE {RangeSql} GROUP BY day ORDER BY day";

    private const string PageSql = $$"""
        SELECT toUnixTimestamp64Milli(clicked_at), id, is_bot, CAST(device, 'Int8'), CAST(country, 'String'), substringUTF8(source, 1, 255) FROM clicks
        WHERE {{RangeSql}} AND (toUnixTimestamp64Milli(clicked_at), id) > ({from:Int64}, {id:UUID}) ORDER BY clicked_at, id LIMIT {limit:Int64}
        """;

    /// <inheritdoc />
    public async Task<long> CountAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long limit, long caller, CancellationToken cancellationToken)
    {
        var (start, end) = RangeOf(from, to);
        var rows = await database.QueryAsync(
            caller,
            query => query.ReadAsync(CountSql, row => ReadNumber(row, 0), ("code", shortCode), ("from", start), ("to", end), ("limit", limit)),
            cancellationToken
        );
        return ClickHouseFailure.SingleOf(rows);
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<IReadOnlyList<SingleClick>> ReadAsync(
        string shortCode,
        DateTimeOffset from,
        DateTimeOffset to,
        long caller,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var (start, end) = RangeOf(from, to);
        var days = await database.QueryAsync(
            caller,
            query => query.ReadAsync(DaysSql, row => (Day: ReadNumber(row, 0), Clicks: ReadNumber(row, 1)), ("code", shortCode), ("from", start), ("to", end)),
            cancellationToken
        );
        // A query reads from each day of its range, although only the first ones have what it returns. So it gets few days.
        foreach (var part in ClickHouseTime.DivideDays(start, end, days, ClicksPerPage))
        {
            for (var next = ((long At, Guid Id)?)(part.From, Guid.Empty); next is { } after; )
            {
                (var page, next) = await ReadPageAsync(shortCode, after, part.To, caller, cancellationToken);
                if (page.Count > 0)
                    yield return page;
            }
        }
    }

    // And where the next page begins; null after the last one.
    private async Task<(List<SingleClick> Page, (long At, Guid Id)? Next)> ReadPageAsync(
        string shortCode,
        (long At, Guid Id) after,
        long to,
        long caller,
        CancellationToken cancellationToken
    )
    {
        var rows = await database.QueryAsync(
            caller,
            query =>
                query.ReadAsync(
                    PageSql,
                    row => (At: ReadNumber(row, 0), Id: row.GetGuid(1), Click: ReadClick(row)),
                    ("code", shortCode),
                    ("from", after.At),
                    ("to", to),
                    ("id", after.Id),
                    ("limit", (long)ClicksPerPage)
                ),
            cancellationToken
        );
        return ([.. rows.Select(row => row.Click)], rows.Count < ClicksPerPage ? null : (rows[^1].At, rows[^1].Id));
    }

    private static SingleClick ReadClick(ClickHouseDataReader row) =>
        new(
            DateTimeOffset.FromUnixTimeMilliseconds(ReadNumber(row, 0)),
            row.GetBoolean(2),
            (DeviceClass)ReadNumber(row, 3),
            NullIfEmpty(row.GetString(4)),
            NullIfEmpty(row.GetString(5))
        );

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    private static (long From, long To) RangeOf(DateTimeOffset from, DateTimeOffset to) =>
        (ClickHouseTime.MillisecondOf(ClickHouseTime.Clamp(from.UtcDateTime)), ClickHouseTime.MillisecondOf(ClickHouseTime.Clamp(to.UtcDateTime)));

    private static long ReadNumber(ClickHouseDataReader row, int column) => Convert.ToInt64(row.GetValue(column), CultureInfo.InvariantCulture);
}
