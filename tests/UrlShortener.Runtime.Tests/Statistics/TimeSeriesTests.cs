using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using UrlShortener.Runtime.Statistics;
using Xunit;

namespace UrlShortener.Runtime.Tests.Statistics;

public sealed class TimeSeriesTests
{
    private static readonly string[] Zones =
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",
        "America/Havana",
        "Asia/Kathmandu",
        "Asia/Beirut",
        "Australia/Lord_Howe",
        "Pacific/Chatham",
        "Africa/Cairo",
        "America/St_Johns",
        "Asia/Tehran",
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
    ];

    [Theory]
    [InlineData("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23)]
    [InlineData("Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 25)]
    [InlineData("Europe/Berlin", "2026-06-01T22:00:00Z", "2026-06-02T22:00:00Z", 24)]
    [InlineData("Asia/Kathmandu", "2026-01-01T18:15:00Z", "2026-01-02T18:15:00Z", 24)]
    public void Buckets_OneDay_HasTheHoursThatPassed(string zone, string from, string to, int hours)
    {
        Assert.Equal(hours, TimeSeries.Buckets(Time(from), Time(to), Granularity.Hour, Zone(zone)).Count);
        Assert.Equal([Time(from)], TimeSeries.Buckets(Time(from), Time(to), Granularity.Day, Zone(zone)));
    }

    [Fact]
    public void Buckets_SpringInBerlin_SkipTheMissingHour() =>
        Assert.Equal(
            ["2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"],
            Texts(TimeSeries.Buckets(Time("2026-03-29T00:00:00Z"), Time("2026-03-29T02:00:00Z"), Granularity.Hour, Zone("Europe/Berlin")))
        );

    [Fact]
    public void Buckets_AutumnInBerlin_TellTheRepeatedHoursApart() =>
        Assert.Equal(
            ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"],
            Texts(TimeSeries.Buckets(Time("2026-10-25T00:10:00Z"), Time("2026-10-25T02:10:00Z"), Granularity.Hour, Zone("Europe/Berlin")))
        );

    [Fact]
    public void Buckets_SaoPauloSkipsMidnight_DayBeginsAtOne() =>
        Assert.Equal(
            ["2018-11-03T00:00:00-03:00", "2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"],
            Texts(TimeSeries.Buckets(Time("2018-11-03T12:00:00Z"), Time("2018-11-05T12:00:00Z"), Granularity.Day, Zone("America/Sao_Paulo")))
        );

    [Fact]
    public void Buckets_SaoPauloRepeatsTheLastHour_DayHas25Hours()
    {
        var days = TimeSeries.Buckets(Time("2018-02-17T12:00:00Z"), Time("2018-02-18T12:00:00Z"), Granularity.Day, Zone("America/Sao_Paulo"));

        Assert.Equal(["2018-02-17T00:00:00-02:00", "2018-02-18T00:00:00-03:00"], Texts(days));
        Assert.Equal(TimeSpan.FromHours(25), days[1] - days[0]);
    }

    [Fact]
    public void StartOf_MidnightComesTwice_IsTheFirst() =>
        Assert.Equal("2026-11-01T00:00:00-04:00", Text(TimeSeries.StartOf(new DateOnly(2026, 11, 1), Zone("America/Havana"))));

    [Fact]
    public void Buckets_Kathmandu_StartOnItsOwnHours() =>
        Assert.Equal(
            ["2026-01-01T05:00:00+05:45", "2026-01-01T06:00:00+05:45"],
            Texts(TimeSeries.Buckets(Time("2026-01-01T00:00:00Z"), Time("2026-01-01T01:00:00Z"), Granularity.Hour, Zone("Asia/Kathmandu")))
        );

    [Theory]
    [InlineData("2026-11-23T00:00:00Z", "2026-11-23T00:00:00+00:00")]
    [InlineData("2026-11-22T23:59:59Z", "2026-11-16T00:00:00+00:00")]
    [InlineData("2026-11-28T12:00:00Z", "2026-11-23T00:00:00+00:00")]
    [InlineData("2026-01-01T00:00:00Z", "2025-12-29T00:00:00+00:00")]
    public void Buckets_Weeks_StartOnMonday(string from, string start) =>
        Assert.Equal(start, Text(TimeSeries.Buckets(Time(from), Time(from).AddHours(1), Granularity.Week, TimeZoneInfo.Utc)[0]));

    [Fact]
    public void Buckets_EmptyRange_AreNone() =>
        Assert.All(
            Enum.GetValues<Granularity>(),
            granularity => Assert.True(TimeSeries.Buckets(Time("2026-11-23T00:00:00Z"), Time("2026-11-23T00:00:00Z"), granularity, TimeZoneInfo.Utc).Count == 0)
        );

    [Fact]
    public void Sum_NoBuckets_IsEmpty() => Assert.Empty(TimeSeries.Sum([], [KeyValuePair.Create(1L, 1L)]));

    [Fact]
    public void Sum_QuarterOnABoundary_BelongsToTheLaterBucket()
    {
        var start = Time("2026-11-23T00:00:00Z");
        var quarter = start.ToUnixTimeSeconds() / 900;

        var sums = TimeSeries.Sum(
            [start, start.AddHours(1), start.AddHours(2)],
            [new(quarter, 1), new(quarter + 3, 2), new(quarter + 4, 4), new(quarter + 20, 8)]
        );

        Assert.Equal([3, 4, 8], sums);
    }

    [Property(MaxTest = 1_000)]
    public Property Buckets_AnyRange_CoverItWithoutGapsAndSumToAllClicks() =>
        Prop.ForAll(
            Ranges().ToArbitrary(),
            range =>
            {
                var (from, to, granularity, name) = range;
                var zone = Zone(name);
                var buckets = TimeSeries.Buckets(from, to, granularity, zone);

                Assert.True(buckets[0] <= from);
                Assert.True(buckets[^1] < to);
                Assert.True(buckets.Count == 1 || buckets[1] > from);
                var longest = granularity switch
                {
                    Granularity.Hour => TimeSpan.FromHours(1),
                    Granularity.Day => TimeSpan.FromHours(26),
                    _ => TimeSpan.FromHours((7 * 24) + 2),
                };
                for (var i = 0; i < buckets.Count; i++)
                {
                    var end = i + 1 < buckets.Count ? buckets[i + 1] : to;
                    Assert.True(buckets[i] < end);
                    Assert.True(end - buckets[i] <= longest, $"{Text(buckets[i])} to {Text(end)}");
                    Assert.Equal(zone.GetUtcOffset(buckets[i]), buckets[i].Offset);
                    if (granularity == Granularity.Week)
                        Assert.Equal(DayOfWeek.Monday, buckets[i].DayOfWeek);
                }

                var quarters = new List<KeyValuePair<long, long>>();
                for (var quarter = from.ToUnixTimeSeconds() / 900; quarter * 900 < to.ToUnixTimeSeconds(); quarter += 7)
                    quarters.Add(KeyValuePair.Create(quarter, quarter % 5));
                var sums = TimeSeries.Sum(buckets, quarters);

                var expected = new long[buckets.Count];
                var bucket = 0;
                foreach (var (quarter, clicks) in quarters)
                {
                    while (bucket + 1 < buckets.Count && quarter * 900 >= buckets[bucket + 1].ToUnixTimeSeconds())
                        bucket++;
                    expected[bucket] += clicks;
                }

                Assert.Equal(expected, sums);
            }
        );

    private static Gen<(DateTimeOffset From, DateTimeOffset To, Granularity Granularity, string Zone)> Ranges() =>
        from granularity in Gen.Elements(Enum.GetValues<Granularity>())
        from zone in Gen.Elements(Zones)
        from minutes in Gen.Choose(0, 60 * 24 * 365 * 30)
        from length in Gen.Choose(1, granularity == Granularity.Hour ? 60 * 24 * 20 : 60 * 24 * 400)
        let start = Time("2000-01-03T00:00:00Z").AddMinutes(minutes)
        select (start, start.AddMinutes(length), granularity, zone);

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);

    private static TimeZoneInfo Zone(string name) => TimeZoneInfo.FindSystemTimeZoneById(name);

    private static string Text(DateTimeOffset time) => time.ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture);

    private static IEnumerable<string> Texts(IEnumerable<DateTimeOffset> times) => times.Select(Text);
}
