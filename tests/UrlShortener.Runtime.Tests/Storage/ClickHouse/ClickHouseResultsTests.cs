using System.Globalization;
using UrlShortener.Runtime.Clicks.Results;
using UrlShortener.Runtime.Statistics;
using UrlShortener.Runtime.Storage.ClickHouse;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.ClickHouse;

public sealed class ClickHouseResultsTests(ClickHouseTables tables) : IClassFixture<ClickHouseTables>
{
    private static readonly DateTimeOffset Minute = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / 60 * 60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // As after a loader that was killed, a job that began anew, or rows of several partitions.
    [Fact]
    public async Task Store_RowsAgainAndInAnyOrder_KeepsTheLargestSums()
    {
        var database = await tables.OpenAsync();
        var results = new ClickHouseResults(database);
        ResultRow[] rows = [Sum(3, 1, 20), Sum(9, 4, 55), Sum(5, 2, 30)];

        await results.StoreAsync(ResultKind.Minutes, rows, Token);
        await results.StoreAsync(ResultKind.Minutes, [rows[0]], Token);
        await results.StoreAsync(ResultKind.Minutes, rows, Token);

        Assert.Equal(
            ["9", "4", Text(Minute.AddSeconds(55))],
            await ReadAsync(database, "SELECT toString(max(clicks)), toString(max(bots)), toString(max(last_at)) FROM clicks_by_minute", 3)
        );
        Assert.Equal([Text(Minute.AddSeconds(55))], await ReadAsync(database, "SELECT toString(max(last_at)) FROM newest_results", 1));
    }

    [Fact]
    public async Task Store_TrendsAndFloodsAgain_AreThereOnce()
    {
        var database = await tables.OpenAsync();
        var results = new ClickHouseResults(database);
        var trend = new ResultRow(ResultKind.Trends, Minute, "trend") { Clicks = 90, Usual = 2.5 };
        var link = new ResultRow(ResultKind.Floods, Minute, "flood") { Clicks = 700, Usual = 1.5 };
        var visitor = new ResultRow(ResultKind.Floods, Minute, "") { Visitor = new string('b', 64), Clicks = 130 };

        for (var times = 0; times < 2; times++)
        {
            await results.StoreAsync(ResultKind.Trends, [trend], Token);
            await results.StoreAsync(ResultKind.Floods, [link, visitor], Token);
        }

        Assert.Equal(
            ["1", "trend 90 2.5"],
            await ReadAsync(
                database,
                "SELECT toString(count()), any(concat(short_code, ' ', toString(last_hour), ' ', toString(usual_hour))) FROM link_trends FINAL",
                2
            )
        );
        Assert.Equal(
            [$":{visitor.Visitor}:130:0;flood::700:1.5"],
            await ReadAsync(
                database,
                "SELECT arrayStringConcat(arraySort(groupArray(concat(short_code, ':', visitor, ':', toString(clicks), ':', toString(usual_minute)))), ';') "
                    + "FROM click_floods FINAL",
                1
            )
        );
    }

    [Fact]
    public async Task Read_WhileResultsAreFresh_TakesThemAndSingleClicksLater()
    {
        var (_, database) = await tables.NewAsync();
        await ClickHouseTables.Migrations(database).MigrateAsync(Token);
        var (results, counts) = (new ClickHouseResults(database), new ClickHouseRecentCounts(database));
        var hours = new RecentHours(Minute.AddSeconds(30));
        // Each minute twice, as when it goes on.
        ResultRow[] rows =
        [
            Sum(3, 1, 10),
            Sum(4, 1, 20),
            Sum(5, 0, 0) with
            {
                Minute = Minute.AddMinutes(-59),
                LastAt = Minute.AddMinutes(-59),
            },
            Sum(2, 0, 0) with
            {
                Minute = Minute.AddMinutes(-60),
                LastAt = Minute.AddMinutes(-60),
            },
            Sum(9, 0, 0) with
            {
                Minute = Minute.AddMinutes(-120),
                LastAt = Minute.AddMinutes(-120),
            },
        ];
        await results.StoreAsync(ResultKind.Minutes, rows, Token);

        Assert.Equal(new HourCounts(9, 2), (await counts.ReadHoursAsync(["summed"], hours, 1, Token))["summed"]);
        Assert.Equal(
            new Dictionary<DateTimeOffset, long> { [Minute] = 4, [Minute.AddMinutes(-59)] = 5 },
            await counts.ReadMinutesAsync("summed", hours, 1, Token)
        );
        // Single clicks say otherwise: there are none.
        var later = new RecentHours(Minute.AddMinutes(5));
        Assert.Empty(await counts.ReadHoursAsync(["summed"], later, 1, Token));
        Assert.Null(await counts.ReadMinutesAsync("summed", later, 1, Token));

        // The tables of an earlier version have none of it: the others answer as before.
        await database.ExecuteAsync("DROP TABLE newest_results", Token);
        Assert.Empty(await counts.ReadHoursAsync(["summed"], hours, 1, Token));
        Assert.Null(await counts.ReadMinutesAsync("summed", hours, 1, Token));
    }

    private static ResultRow Sum(long clicks, long bots, int lastSecond) =>
        new(ResultKind.Minutes, Minute, "summed")
        {
            Clicks = clicks,
            Bots = bots,
            LastAt = Minute.AddSeconds(lastSecond),
        };

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);

    private static async Task<string[]> ReadAsync(ClickHouseDatabase database, string sql, int columns) =>
        Assert.Single(await database.ReadAsync(sql, row => Enumerable.Range(0, columns).Select(row.GetString).ToArray(), Token));
}
