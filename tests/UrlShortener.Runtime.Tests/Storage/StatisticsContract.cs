using System.Security.Cryptography;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Statistics;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage;

/// <summary>What every source of statistics says of the clicks that were stored.</summary>
public abstract class StatisticsContract : StoreContract
{
    private protected IClickSink Clicks => Stores.Clicks;

    private protected IStatisticsSource Statistics => Stores.Statistics;

    private protected IDaySums Sums => Stores.Sums;

    private protected ISingleClicks SingleClicks => Stores.SingleClicks;

    private protected virtual IRecentCounts Recent => new StoredRecentCounts(Statistics);

    // The start of a quarter of an hour.
    private protected static DateTimeOffset Quarter { get; } = DateTimeOffset.FromUnixTimeSeconds(Now.ToUnixTimeSeconds() / 900 * 900).AddHours(-2);

    [Fact]
    public async Task ReadTotals_NoClicks_IsAllZero()
    {
        var totals = await Statistics.ReadTotalsAsync(NewCode(), Now.AddDays(-1), Now, Owner, Token);

        Assert.Equal((0, 0, 0), (totals.Clicks, totals.Visitors, totals.Bots));
        Assert.Empty(totals.Quarters);
        Assert.Empty(totals.Countries);
        Assert.Empty(totals.Sources);
        Assert.Empty(totals.Devices);
    }

    [Fact]
    public async Task ReadHours_ClicksAtTheEndsOfTheHours_AreInThoseThatTheyBelongTo()
    {
        var (code, other, none) = (NewCode(), NewCode(), NewCode());
        var hours = new RecentHours(Now);
        var one = TimeSpan.FromMilliseconds(1);
        await Clicks.AppendAsync(
            Guid.NewGuid(),
            [
                Click(code, hours.Begin - one),
                Click(code, hours.Begin),
                Click(code, hours.Middle - one),
                Click(code, hours.Middle),
                Click(code, Now),
                Click(code, Now),
                Click(code, Now) with
                {
                    IsBot = true,
                },
                Click(other, Now),
            ],
            Token
        );

        var counts = await Recent.ReadHoursAsync([code, other, none], hours, Owner, Token);

        Assert.Equal(new HourCounts(3, 2), counts[code]);
        Assert.Equal(new HourCounts(1, 0), counts[other]);
        Assert.Equal(default, counts.GetValueOrDefault(none));
        Assert.Null(await Recent.ReadMinutesAsync(code, hours, Owner, Token));
    }

    [Fact]
    public async Task ReadTotals_PeopleAndBots_AreCountedApart()
    {
        var code = NewCode();
        await Clicks.AppendAsync(
            Guid.NewGuid(),
            [
                Click(code, Quarter) with
                {
                    Country = "DE",
                    Source = "news.example",
                    Device = DeviceClass.Mobile,
                },
                Click(code, Quarter) with
                {
                    Country = "DE",
                    Source = "news.example",
                    Device = DeviceClass.Desktop,
                },
                Click(code, Quarter) with
                {
                    Country = "FR",
                    Source = null,
                    Device = DeviceClass.Mobile,
                },
                Click(code, Quarter) with
                {
                    Country = null,
                    Source = null,
                    Device = DeviceClass.Other,
                },
                Click(code, Quarter) with
                {
                    Country = null,
                    Source = null,
                    Device = DeviceClass.Tablet,
                },
                Click(code, Quarter) with
                {
                    Country = null,
                    Source = null,
                    Device = DeviceClass.Mobile,
                },
                Click(code, Quarter) with
                {
                    Country = "US",
                    Source = "bot.example",
                    Device = DeviceClass.Desktop,
                    IsBot = true,
                },
                Click(NewCode(), Quarter) with
                {
                    Country = "JP",
                },
            ],
            Token
        );

        var totals = await Statistics.ReadTotalsAsync(code, Quarter, Quarter.AddMinutes(1), Owner, Token);

        Assert.Equal((6, 6, 1), (totals.Clicks, totals.Visitors, totals.Bots));
        Assert.Equal([new(null, 3), new("DE", 2), new("FR", 1)], totals.Countries);
        Assert.Equal([new(null, 4), new("news.example", 2)], totals.Sources);
        Assert.Equal(
            [new(DeviceClass.Other, 1), new(DeviceClass.Desktop, 1), new(DeviceClass.Mobile, 3), new(DeviceClass.Tablet, 1)],
            totals.Devices.OrderBy(device => device.Key)
        );
        Assert.Equal([new(Quarter.ToUnixTimeSeconds() / 900, 6)], totals.Quarters);
    }

    [Fact]
    public async Task ReadTotals_Visitors_AreDistinctHashesWithoutTheEmptyOne()
    {
        var code = NewCode();
        var (first, second) = (NewVisitor(), NewVisitor());
        await Clicks.AppendAsync(
            Guid.NewGuid(),
            [
                Click(code, Quarter) with
                {
                    IpHash = first,
                },
                Click(code, Quarter) with
                {
                    IpHash = first,
                },
                Click(code, Quarter) with
                {
                    IpHash = second,
                },
                Click(code, Quarter) with
                {
                    IpHash = default,
                },
                Click(code, Quarter) with
                {
                    IpHash = default,
                },
                Click(code, Quarter) with
                {
                    IsBot = true,
                },
            ],
            Token
        );

        var totals = await Statistics.ReadTotalsAsync(code, Quarter, Quarter.AddMinutes(1), Owner, Token);

        Assert.Equal((5, 2), (totals.Clicks, totals.Visitors));
    }

    [Fact]
    public async Task ReadTotals_Range_IncludesItsStartAndNotItsEnd()
    {
        var code = NewCode();
        var end = Quarter.AddMinutes(10);
        await Clicks.AppendAsync(
            Guid.NewGuid(),
            [
                Click(code, Quarter.AddMilliseconds(-1)),
                Click(code, Quarter),
                Click(code, end.AddMilliseconds(-1)),
                Click(code, end),
                Click(code, Quarter.AddMilliseconds(-1)) with
                {
                    IsBot = true,
                },
                Click(code, Quarter) with
                {
                    IsBot = true,
                },
                Click(code, end) with
                {
                    IsBot = true,
                },
            ],
            Token
        );

        var totals = await Statistics.ReadTotalsAsync(code, Quarter, end, Owner, Token);

        Assert.Equal((2, 2, 1), (totals.Clicks, totals.Visitors, totals.Bots));
        Assert.Equal(2, totals.Quarters.Sum(quarter => quarter.Value));
        Assert.Equal(2, totals.Countries.Sum(country => country.Value));
        Assert.Equal(2, totals.Devices.Sum(device => device.Value));
    }

    // Clicks have whole milliseconds, and people may ask for parts of one.
    [Fact]
    public async Task ReadTotals_RangeWithPartsOfAMillisecond_HasTheClicksInIt()
    {
        var code = NewCode();
        var half = TimeSpan.FromMicroseconds(500);
        await Clicks.AppendAsync(
            Guid.NewGuid(),
            [Click(code, Quarter), Click(code, Quarter.AddMilliseconds(1)), Click(code, Quarter.AddMilliseconds(2))],
            Token
        );

        foreach (var (from, to, clicks) in new[] { (Quarter + half, Quarter.AddMilliseconds(2) + half, 2), (Quarter + half, Quarter + half + half, 0) })
        {
            var totals = await Statistics.ReadTotalsAsync(code, from, to, Owner, Token);

            Assert.Equal((clicks, clicks), (totals.Clicks, totals.Visitors));
            Assert.Equal(clicks, await SingleClicks.CountAsync(code, from, to, 10, Owner, Token));
            Assert.Equal(clicks, (await ReadSingleClicksAsync(code, from, to)).Count);
        }
    }

    [Fact]
    public async Task ReadTotals_Quarters_AscendAndLeaveOutEmptyOnes()
    {
        var code = NewCode();
        var quarter = Quarter.ToUnixTimeSeconds() / 900;
        await Clicks.AppendAsync(
            Guid.NewGuid(),
            [
                Click(code, Quarter.AddMinutes(45)),
                Click(code, Quarter),
                Click(code, Quarter.AddMinutes(15).AddMilliseconds(-1)),
                Click(code, Quarter.AddMinutes(15)),
                Click(code, Quarter.AddMinutes(30)) with
                {
                    IsBot = true,
                },
            ],
            Token
        );

        var totals = await Statistics.ReadTotalsAsync(code, Quarter, Quarter.AddHours(1), Owner, Token);

        Assert.Equal([new(quarter, 2), new(quarter + 1, 1), new(quarter + 3, 1)], totals.Quarters);
    }

    [Fact]
    public async Task Append_UnicodeAndLongestTexts_AreStored()
    {
        var code = NewCode();
        var source = "ünïcode-😀-" + new string('x', 200);
        await Clicks.AppendAsync(
            Guid.NewGuid(),
            [
                Click(code, Quarter) with
                {
                    Referrer = new string('r', 512),
                    Source = source,
                    UserAgent = string.Concat(Enumerable.Repeat("😀", 256)),
                    City = new string('é', 100),
                },
            ],
            Token
        );

        Assert.Equal(source, Assert.Single((await Statistics.ReadTotalsAsync(code, Quarter, Quarter.AddMinutes(1), Owner, Token)).Sources).Key);
    }

    // Ends of ranges as people ask for them: whole UTC days, days of other zones, moments.
    [Theory]
    [InlineData(-4 * 24, 24)]
    [InlineData(-3 * 24, -24)]
    [InlineData((-4 * 24) + 5.5, -18.5)]
    [InlineData(-3 * 24 - 0.01, 0.01)]
    [InlineData(-30, -2)]
    [InlineData(-24 * 30, 24 * 30)]
    [InlineData(-20, -20.0 + 0.25)]
    public async Task ReadTotals_ManyDays_AreTheSumsOfTheirClicksHoweverTheyAreKept(double from, double to)
    {
        var code = NewCode();
        var today = new DateTimeOffset(Now.UtcDateTime.Date, TimeSpan.Zero);
        var clicks = RandomClicks(code, today);
        var (start, end) = (today.AddHours(from), today.AddHours(to));
        var expected = Count(clicks, start, end);
        foreach (var batch in clicks.Chunk(70))
            await Clicks.AppendAsync(Guid.NewGuid(), batch, Token);
        AssertEqual(expected, await Statistics.ReadTotalsAsync(code, start, end, Owner, Token));

        await SumUpAsync(today);
        AssertEqual(expected, await Statistics.ReadTotalsAsync(code, start, end, Owner, Token));
        Assert.Equal(expected.Clicks, (await Statistics.ReadCountsAsync(code, start, end, Owner, Token)).Clicks);

        // Some come late, when their days are summed up, of visitors who were counted and of others.
        StoredClick[] late = [.. clicks.Take(50), .. RandomClicks(code, today).Take(50)];
        await Clicks.AppendAsync(Guid.NewGuid(), late, Token);
        var all = Count([.. clicks, .. late], start, end);
        AssertEqual(all, await Statistics.ReadTotalsAsync(code, start, end, Owner, Token));
        await SumUpAsync(today);
        AssertEqual(all, await Statistics.ReadTotalsAsync(code, start, end, Owner, Token));
    }

    [Fact]
    public async Task Append_MoreSourcesThanADayKeeps_SumsUpTheRestAndLosesNone()
    {
        var code = NewCode();
        var today = new DateTimeOffset(Now.UtcDateTime.Date, TimeSpan.Zero);
        var noon = today.AddHours(-12);
        var (first, further) = (
            Enumerable.Range(0, ClickSources.MaxPerDay).Select(i => $"a{i}.example"),
            Enumerable.Range(0, 300).Select(i => $"b{i}.example")
        );
        await Clicks.AppendAsync(Guid.NewGuid(), [.. first.Select(source => Click(code, noon) with { Source = source })], Token);
        // One that is known already, and visits without a source, keep their names whatever else comes.
        IEnumerable<string?> later = [.. further, .. Enumerable.Repeat("a7.example", 20), .. Enumerable.Repeat((string?)null, 10)];
        await Clicks.AppendAsync(Guid.NewGuid(), [.. later.Select(source => Click(code, noon.AddMinutes(1)) with { Source = source })], Token);

        await AssertAsync();
        await SumUpAsync(today);
        await AssertAsync();

        async Task AssertAsync()
        {
            var totals = await Statistics.ReadTotalsAsync(code, today.AddDays(-1), today, Owner, Token);
            Assert.Equal(ClickSources.MaxPerDay + 330, totals.Clicks);
            Assert.Equal([new(ClickSources.Others, 300), new("a7.example", 21), new(null, 10), new("a0.example", 1)], totals.Sources.Take(4));
        }
    }

    // The ends of a range as people ask for them, and a range that has them all.
    [Theory]
    [InlineData(-4 * 24, 24)]
    [InlineData((-4 * 24) + 5.5, -18.5)]
    [InlineData(-3 * 24 - 0.01, 0.01)]
    [InlineData(24 * 2, 24 * 3)]
    [InlineData(-24 * 30, 24 * 365 * 900.0)]
    public async Task ReadSingleClicks_Range_HasEachOfItsClicksOnce(double from, double to)
    {
        var code = NewCode();
        var today = new DateTimeOffset(Now.UtcDateTime.Date, TimeSpan.Zero);
        var (start, end) = (today.AddHours(from), today.AddHours(to));
        var clicks = RandomClicks(code, today);
        foreach (var batch in clicks.Chunk(70))
            await Clicks.AppendAsync(Guid.NewGuid(), batch, Token);
        await Clicks.AppendAsync(Guid.NewGuid(), [Click(NewCode(), start)], Token);
        await AssertClicksAsync(code, start, end, clicks, isOrdered: true);

        // Some come late, when their days are summed up.
        await SumUpAsync(today);
        StoredClick[] late = [.. clicks.Take(50), .. RandomClicks(code, today).Take(50)];
        await Clicks.AppendAsync(Guid.NewGuid(), late, Token);
        await AssertClicksAsync(code, start, end, [.. clicks, .. late], isOrdered: false);
    }

    // Several pages, all of the same moment, or of one day, or of several.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(12_000)]
    public async Task ReadSingleClicks_MoreThanAPage_HasEachOnce(int millisecondsBetween)
    {
        var code = NewCode();
        var start = Quarter.AddDays(-2);
        var clicks = Enumerable
            .Range(0, 11_000)
            .Select(i => Click(code, start.AddMilliseconds((long)i * millisecondsBetween)) with { Source = $"s{i}.example", IpHash = default })
            .ToList();
        foreach (var batch in clicks.Chunk(4_000))
            await Clicks.AppendAsync(Guid.NewGuid(), batch, Token);

        var end = clicks[^1].At.AddMilliseconds(1);
        await AssertClicksAsync(code, start, end, clicks, isOrdered: true);
        Assert.Equal(10_999, await SingleClicks.CountAsync(code, start, end, 10_999, Owner, Token));
        Assert.Equal(1, await SingleClicks.CountAsync(code, start, end, 1, Owner, Token));
    }

    [Fact]
    public async Task ReadSingleClicks_AnyClick_HasWhatStatisticsSayOfIt()
    {
        var code = NewCode();
        await Clicks.AppendAsync(
            Guid.NewGuid(),
            [
                Click(code, Quarter) with
                {
                    Country = "DE",
                    City = "Berlin",
                    Source = "ünïcode-😀",
                    Device = DeviceClass.Mobile,
                    IsBot = true,
                },
                Click(code, Quarter.AddMilliseconds(1)) with
                {
                    Source = new string('x', 300),
                    Device = DeviceClass.Tablet,
                },
                Click(code, Quarter.AddMilliseconds(2)) with
                {
                    Device = DeviceClass.Other,
                },
            ],
            Token
        );

        Assert.Equal(
            [
                new SingleClick(Quarter, true, DeviceClass.Mobile, "DE", "ünïcode-😀"),
                new SingleClick(Quarter.AddMilliseconds(1), false, DeviceClass.Tablet, null, new string('x', 255)),
                new SingleClick(Quarter.AddMilliseconds(2), false, DeviceClass.Other, null, null),
            ],
            await ReadSingleClicksAsync(code, Quarter, Quarter.AddMinutes(1))
        );
    }

    private async Task AssertClicksAsync(string code, DateTimeOffset from, DateTimeOffset to, IEnumerable<StoredClick> clicks, bool isOrdered)
    {
        var expected = clicks
            .Where(click => click.At >= from && click.At < to)
            .Select(click => new SingleClick(click.At, click.IsBot, click.Device, click.Country, click.Source))
            .ToList();
        var read = await ReadSingleClicksAsync(code, from, to);
        Assert.Equal(Sorted(expected), Sorted(read));
        if (isOrdered)
            Assert.Equal(read.Select(click => click.At).Order(), read.Select(click => click.At));
        Assert.Equal(expected.Count, await SingleClicks.CountAsync(code, from, to, 1_000_000, Owner, Token));

        static List<SingleClick> Sorted(List<SingleClick> of) => [.. of.OrderBy(click => click.At).ThenBy(click => click.ToString(), StringComparer.Ordinal)];
    }

    private async Task<List<SingleClick>> ReadSingleClicksAsync(string code, DateTimeOffset from, DateTimeOffset to)
    {
        var read = new List<SingleClick>();
        await foreach (var page in SingleClicks.ReadAsync(code, from, to, Owner, Token))
            read.AddRange(page);
        return read;
    }

    private protected async Task SumUpAsync(DateTimeOffset before)
    {
        while (await Sums.SumUpAsync(DateOnly.FromDateTime(before.UtcDateTime), Token) > 0)
            Token.ThrowIfCancellationRequested();
    }

    // Over the four days before a moment and the one after it; every visitor of one day only, as salts make it.
    private protected static List<StoredClick> RandomClicks(string code, DateTimeOffset today)
    {
        var clicks = new List<StoredClick>();
        for (var day = -4; day <= 0; day++)
        {
            var visitors = Enumerable.Range(0, 15).Select(_ => NewVisitor()).Append(default).ToList();
            for (var i = 0; i < 60; i++)
            {
                clicks.Add(
                    Click(code, today.AddDays(day).AddMilliseconds(RandomNumberGenerator.GetInt32(86_400_000))) with
                    {
                        IpHash = visitors[RandomNumberGenerator.GetInt32(visitors.Count)],
                        Country = new[] { null, "DE", "FR", "US" }[RandomNumberGenerator.GetInt32(4)],
                        Source = new[] { null, "a.example", "b.example" }[RandomNumberGenerator.GetInt32(3)],
                        Device = (DeviceClass)RandomNumberGenerator.GetInt32(4),
                        IsBot = RandomNumberGenerator.GetInt32(6) == 0,
                    }
                );
            }
        }

        return [.. clicks.OrderBy(click => click.At)];
    }

    // What statistics mean, click by click.
    private protected static ClickTotals Count(IReadOnlyList<StoredClick> clicks, DateTimeOffset from, DateTimeOffset to)
    {
        var inRange = clicks.Where(click => click.At >= from && click.At < to).ToList();
        var people = inRange.Where(click => !click.IsBot).ToList();
        return new ClickTotals(
            people.Count,
            people.Select(click => click.IpHash).Where(hash => !hash.IsNone).Distinct().Count(),
            inRange.Count - people.Count,
            [
                .. people
                    .GroupBy(click => click.At.ToUnixTimeSeconds() / 900)
                    .OrderBy(group => group.Key)
                    .Select(group => KeyValuePair.Create(group.Key, (long)group.Count())),
            ],
            Top(people.Select(click => click.Country)),
            Top(people.Select(click => click.Source)),
            [.. people.GroupBy(click => click.Device).OrderBy(group => group.Key).Select(group => KeyValuePair.Create(group.Key, (long)group.Count()))]
        );

        static List<KeyValuePair<string?, long>> Top(IEnumerable<string?> values) =>
            [
                .. values
                    .GroupBy(value => value ?? "")
                    .OrderByDescending(group => group.Count())
                    .ThenBy(group => group.Key, StringComparer.Ordinal)
                    .Select(group => KeyValuePair.Create(group.Key.Length == 0 ? null : group.Key, (long)group.Count())),
            ];
    }

    private protected static void AssertEqual(ClickTotals expected, ClickTotals actual)
    {
        Assert.Equal((expected.Clicks, expected.Visitors, expected.Bots), (actual.Clicks, actual.Visitors, actual.Bots));
        Assert.Equal(expected.Quarters, actual.Quarters);
        Assert.Equal(expected.Countries, actual.Countries);
        Assert.Equal(expected.Sources, actual.Sources);
        Assert.Equal(expected.Devices, actual.Devices);
    }

    private protected static StoredClick Click(string code, DateTimeOffset at) =>
        new(code, at, null, null, "Mozilla/5.0", NewVisitor(), null, null, DeviceClass.Desktop, IsBot: false);
}
