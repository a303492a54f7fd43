using System.Diagnostics;
using System.Globalization;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Statistics;
using UrlShortener.Runtime.Storage.ClickHouse;
using UrlShortener.TestServers.ClickHouse;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.ClickHouse;

/// <summary>
/// How long answers take about a link with ten million clicks in 30 days, among ten million clicks of 100,000 other links. `make statistics-series` measures it
/// and holds the answers to their limit, on a machine that does nothing else; the suite does not.
/// </summary>
public sealed class ClickHouseStatisticsSeriesTests
{
    private const string Popular = "popular";
    private const string Rare = "c77";
    private const int Batches = 100;
    private const int RowsPerBatch = 100_000;
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(500);

    private static readonly int? Runs = int.TryParse(
        Environment.GetEnvironmentVariable("STATISTICS_SERIES"),
        NumberStyles.None,
        CultureInfo.InvariantCulture,
        out var wanted
    )
        ? wanted
        : null;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Answers_AboutTenMillionClicks_StayBelowTheirLimit()
    {
        Assert.SkipUnless(Runs is not null, "make statistics-series measures it.");
        await using var server = await Availability.OrSkipAsync(ClickHouseServer.StartAsync(Token));
        await using var test = await server.CreateDatabaseAsync("series", Token);
        using var database = ClickHouseTables.New(test.ConnectionString, new ClickHouseOptions());
        await ClickHouseTables.Migrations(database).MigrateAsync(Token);
        var now = TimeProvider.System.GetUtcNow();
        var began = Stopwatch.GetTimestamp();
        for (var batch = 0; batch < Batches; batch++)
        {
            await InsertAsync(test, $"'{Popular}'", now, batch);
            await InsertAsync(test, "concat('c', toString(rand(1) % 100000))", now, batch);
        }

        Write($"loaded in {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s");
        var source = new ClickHouseStatistics(database);
        var midnight = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero);
        var kathmandu = TimeSpan.FromHours(5.75);
        var worst = TimeSpan.Zero;
        foreach (var code in new[] { Popular, Rare })
        {
            await MeasureAsync(
                $"{code}, 30 UTC days until now",
                () => source.ReadTotalsAsync(code, midnight.AddDays(-29), TimeProvider.System.GetUtcNow(), 1, Token)
            );
            await MeasureAsync(
                $"{code}, 29 days of another zone",
                () => source.ReadTotalsAsync(code, midnight.AddDays(-29) - kathmandu, midnight - kathmandu, 1, Token)
            );
            await MeasureAsync(
                $"{code}, 30 times 24 hours until noon",
                () => source.ReadTotalsAsync(code, midnight.AddDays(-30.5), midnight.AddDays(-0.5), 1, Token)
            );
            await MeasureAsync($"{code}, 24 hours", () => source.ReadTotalsAsync(code, now.AddDays(-1), now, 1, Token));
            await MeasureAsync($"{code}, 7 days without visitors", () => source.ReadCountsAsync(code, now.AddDays(-7), now, 1, Token));
        }

        Assert.True(worst < Limit, $"The slowest answer took {worst.TotalMilliseconds:0} ms.");

        async Task MeasureAsync(string name, Func<Task<ClickTotals>> ask)
        {
            var times = new List<TimeSpan>();
            ClickTotals? totals = null;
            for (var run = 0; run <= Runs; run++)
            {
                var started = Stopwatch.GetTimestamp();
                totals = await ask();
                times.Add(Stopwatch.GetElapsedTime(started));
            }

            var (first, rest) = (times[0], times.Skip(1).Order().ToList());
            worst = times.Append(worst).Max();
            Write(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name}: {totals!.Clicks} clicks, {totals.Visitors} visitors; first {first.TotalMilliseconds:0} ms, p50 {rest[rest.Count / 2].TotalMilliseconds:0} ms, p95 {rest[rest.Count * 95 / 100].TotalMilliseconds:0} ms, longest {rest[^1].TotalMilliseconds:0} ms"
                )
            );
        }
    }

    // Batches lie one after the other in time, as clicks arrive. 200 sources, of which some are rare; 60 countries; 250,000 visitors a day.
    private static Task InsertAsync(TestServers.ClickHouse.ClickHouseDatabase database, string code, DateTimeOffset now, int batch)
    {
        var length = TimeSpan.FromDays(30).TotalMilliseconds / Batches;
        var start = (long)(now.ToUnixTimeMilliseconds() - ((Batches - batch) * length));
        return database.ExecuteAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                INSERT INTO click_inserts (short_code, clicked_at, id, is_bot, device, country, city, source, summed_source, referrer, user_agent, visitor, deadline)
                SELECT
                    {code}, fromUnixTimestamp64Milli({start} + intDiv(number * {(long)length}, {RowsPerBatch}), 'UTC'), generateUUIDv7(), rand(2) % 8 = 0, rand(3) % 4,
                    concat(char(65 + rand(4) % 10), char(65 + rand(5) % 6)), '', concat('site', toString(intDiv(rand(6) % 40000, 200)), '.example') AS host, host,
                    concat('https://', host, '/page'), 'Mozilla/5.0 (Windows NT 10.0, Win64, x64)',
                    sipHash64({start / 86_400_000}, rand(7) % 250000), now() + 600
                FROM numbers({RowsPerBatch})
                """
            ),
            Token
        );
    }

    private static void Write(string line)
    {
        TestContext.Current.TestOutputHelper!.WriteLine(line);
        if (Environment.GetEnvironmentVariable("STATISTICS_SERIES_FILE") is { Length: > 0 } file)
            File.AppendAllText(file, line + "\n");
    }
}
