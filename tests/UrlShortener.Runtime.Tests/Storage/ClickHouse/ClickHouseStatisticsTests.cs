using UrlShortener.Runtime.Statistics;
using UrlShortener.Runtime.Storage.ClickHouse;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.ClickHouse;

public sealed class ClickHouseStatisticsTests(ClickHouseTables tables) : StatisticsContract, IClassFixture<ClickHouseTables>
{
    private ClickHouseDatabase? _database;

    private protected override IRecentCounts Recent => new ClickHouseRecentCounts(_database!);

    private protected override async ValueTask<Stores> OpenAsync()
    {
        var database = _database = await tables.OpenAsync();
        var sink = new ClickHouseSink(database);
        // Links and users are in the store alone.
        return new Stores(null!, null!, null!, sink, null!, null!, new ClickHouseStatistics(database), sink, new ClickHouseSingleClicks(database));
    }

    [Theory]
    [InlineData(2_000, 0)]
    [InlineData(20_000, 0.02)]
    public async Task ReadTotals_ManyVisitors_AreExactUpToANumberAndCloseAbove(int visitors, double error)
    {
        var code = NewCode();
        var noon = new DateTimeOffset(Now.UtcDateTime.Date, TimeSpan.Zero).AddHours(-12);
        // Everybody comes twice, in different batches.
        var clicks = Enumerable.Range(0, visitors).Select(_ => Click(code, noon) with { IpHash = NewVisitor() }).ToList();
        foreach (var batch in clicks.Concat(clicks).Chunk(visitors / 3))
            await Clicks.AppendAsync(Guid.NewGuid(), batch, Token);

        var whole = await Statistics.ReadTotalsAsync(code, noon.AddDays(-1), noon.AddDays(1), Owner, Token);
        Assert.Equal(2 * visitors, whole.Clicks);
        Assert.InRange(whole.Visitors, visitors * (1 - error), visitors * (1 + error));

        // The same from single clicks, as there are others of the day outside of the range.
        await Clicks.AppendAsync(Guid.NewGuid(), [Click(code, noon.AddHours(1))], Token);
        var part = await Statistics.ReadTotalsAsync(code, noon, noon.AddMinutes(1), Owner, Token);
        Assert.Equal(2 * visitors, part.Clicks);
        Assert.InRange(part.Visitors, visitors * (1 - error), visitors * (1 + error));
    }

    [Theory]
    [InlineData(1970, 2026)]
    [InlineData(2026, 9000)]
    [InlineData(1970, 9000)]
    [InlineData(2200, 9000)]
    public async Task ReadTotals_RangeThatNoClickHouseTimeReaches_HasTheClicksWithin(int from, int to)
    {
        var code = NewCode();
        await Clicks.AppendAsync(Guid.NewGuid(), [Click(code, Now.AddHours(-1))], Token);

        // Links are asked for in years to come, too.
        var (start, end) = (new DateTimeOffset(from, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(to, 12, 31, 23, 59, 59, TimeSpan.Zero));
        var expected = start <= Now.AddHours(-1) && Now.AddHours(-1) < end ? 1 : 0;
        Assert.Equal(expected, (await Statistics.ReadTotalsAsync(code, start, end, Owner, Token)).Clicks);
    }

    [Fact]
    public async Task Read_DayOfAZoneWithAnOffsetOfQuarters_AddsUpItsHours()
    {
        var code = NewCode();
        var zone = TimeZoneInfo.FindSystemTimeZoneById("Asia/Kathmandu");
        var today = TimeSeries.StartOf(DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(Now, zone).DateTime), zone).AddDays(-1);
        await Clicks.AppendAsync(
            Guid.NewGuid(),
            [Click(code, today.AddMilliseconds(-1)), Click(code, today), Click(code, today.AddHours(1).AddMilliseconds(-1)), Click(code, today.AddHours(23.9))],
            Token
        );

        var totals = await Statistics.ReadTotalsAsync(code, today, today.AddDays(1), Owner, Token);

        var buckets = TimeSeries.Buckets(today, today.AddDays(1), Granularity.Hour, zone);
        var hours = TimeSeries.Sum(buckets, totals.Quarters);
        Assert.Equal((24, 2, 1, 3), (hours.Length, hours[0], hours[23], hours.Sum()));
        Assert.Equal((3, 3), (totals.Clicks, totals.Visitors));
    }
}
