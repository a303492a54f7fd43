using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Statistics;
using Xunit;

namespace UrlShortener.Runtime.Tests.Statistics;

public sealed class StatisticsQueryTests
{
    private static readonly DateTimeOffset Now = Time("2026-11-23T15:30:00Z");

    [Fact]
    public void Read_Nothing_IsTheLast30DaysByDayInUtc()
    {
        var query = Good();

        Assert.Equal((Time("2026-10-24T00:00:00Z"), Now, Granularity.Day, "UTC"), (query.From, query.To, query.Granularity, query.Zone.Id));
    }

    [Fact]
    public void Read_Dates_AreWholeDaysOfTheZone()
    {
        var query = Good(("start_date", "2026-03-29"), ("end_date", "2026-03-29"), ("time_zone", "Europe/Berlin"), ("granularity", "hour"));

        Assert.Equal((Time("2026-03-28T23:00:00Z"), Time("2026-03-29T22:00:00Z")), (query.From, query.To));
        Assert.Equal((Granularity.Hour, "Europe/Berlin"), (query.Granularity, query.Zone.Id));
    }

    [Theory]
    [InlineData("2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z")]
    [InlineData("2026-11-01T10:00:00.5Z", "2026-11-01T10:00:00.5Z")]
    [InlineData("2026-11-01T10:00:00+02:00", "2026-11-01T08:00:00Z")]
    [InlineData("2026-11-01T10:00:00 02:00", "2026-11-01T08:00:00Z")]
    [InlineData("2026-11-01T10:00:00-05:45", "2026-11-01T15:45:00Z")]
    public void Read_Times_AreMoments(string text, string expected) => Assert.Equal(Time(expected), Good(("start_date", text)).From);

    [Fact]
    public void Read_Week_IsWeek() => Assert.Equal(Granularity.Week, Good(("granularity", "week")).Granularity);

    [Fact]
    public void Read_EndOnly_StartsDefaultDaysBefore() => Assert.Equal(Time("2026-01-02T00:00:00Z"), Good(("end_date", "2026-01-31")).From);

    [Theory]
    [InlineData("start_date", "yesterday")]
    [InlineData("start_date", "2026-13-01")]
    [InlineData("start_date", "2026-02-29")]
    [InlineData("start_date", "1969-12-31")]
    [InlineData("start_date", "9001-01-01")]
    [InlineData("start_date", "2026-11-01T10:00:00")]
    [InlineData("start_date", "")]
    [InlineData("end_date", "٢٠٢٦-01-01")]
    [InlineData("end_date", "9999-12-31T23:59:59Z")]
    [InlineData("end_date", "0001-01-01T00:00:00+14:00")]
    [InlineData("granularity", "minute")]
    [InlineData("granularity", "Hour")]
    [InlineData("granularity", "")]
    [InlineData("time_zone", "Mars/Olympus")]
    [InlineData("time_zone", "../../../etc/passwd")]
    [InlineData("time_zone", "/etc/localtime")]
    [InlineData("time_zone", "localtime")]
    [InlineData("time_zone", "posixrules")]
    [InlineData("time_zone", "posix/Europe/Berlin")]
    [InlineData("time_zone", "right/Europe/Berlin")]
    [InlineData("time_zone", "Europe/Berlin\0")]
    [InlineData("time_zone", "")]
    [InlineData("startdate", "2026-01-01")]
    public void Read_BadParameter_IsNamed(string name, string value)
    {
        var error = Assert.Single(Bad((name, value)));

        Assert.Equal((name, ErrorCode.InvalidRequest), (error.Field, error.Code));
        Assert.StartsWith(name + " ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_SeveralBadParameters_AreAllNamed() =>
        Assert.Equal(
            ["x", "time_zone", "granularity", "end_date", "start_date"],
            Bad(("start_date", "x"), ("end_date", "x"), ("granularity", "x"), ("time_zone", "x"), ("x", "x")).Select(error => error.Field)
        );

    [Theory]
    [InlineData("2026-11-23T15:30:00Z", null)]
    [InlineData("2026-12-01", null)]
    [InlineData("2026-11-02", "2026-11-01")]
    public void Read_StartNotBeforeEnd_IsRefused(string start, string? end) =>
        Assert.Equal("start_date", Assert.Single(end is null ? Bad(("start_date", start)) : Bad(("start_date", start), ("end_date", end))).Field);

    [Theory]
    [InlineData("hour", "2026-08-01", "2026-10-31", true)]
    [InlineData("hour", "2026-08-01", "2026-11-01", false)]
    [InlineData("day", "2016-01-01", "2026-01-01", true)]
    [InlineData("day", "2015-01-01", "2026-01-01", false)]
    [InlineData("week", "1970-01-01", "9000-12-31", false)]
    public void Read_Range_IsLimitedByGranularity(string granularity, string start, string end, bool isGood)
    {
        var errors = new List<FieldError>();
        var query = StatisticsQuery.Read(Query(("granularity", granularity), ("start_date", start), ("end_date", end)), Now, errors);

        Assert.Equal(isGood, query is not null);
        Assert.Equal(isGood, errors.Count == 0);
    }

    [Theory]
    [InlineData("1970-01-01")]
    [InlineData("1970-01-31")]
    public void Read_EndAtTheBeginningOfTime_DoesNotThrow(string end) => Assert.NotNull(Good(("end_date", end), ("time_zone", "America/New_York")));

    [Property(MaxTest = 2_000)]
    public void Read_HostileInput_GivesAQueryOrErrors(string? start, string? end, string? granularity, string? zone, string? name)
    {
        var errors = new List<FieldError>();
        var query = StatisticsQuery.Read(
            Query(("start_date", start), ("end_date", end), ("granularity", granularity), ("time_zone", zone), (name ?? "", start)),
            Now,
            errors
        );

        Assert.Equal(query is null, errors.Count > 0);
    }

    [Property(MaxTest = 2_000)]
    public Property Read_DateLikeInput_GivesAUsableQueryOrErrors()
    {
        var text = Gen.Elements(
                "2026",
                "-",
                "01",
                "31",
                "T",
                "12:00",
                ":00",
                "Z",
                "+",
                "14:00",
                "9999",
                "0001",
                "1970-01-01",
                "9000-12-31",
                "T23:59:59",
                " ",
                ".",
                "999"
            )
            .ListOf()
            .Select(parts => string.Concat(parts));
        return Prop.ForAll(
            text.ToArbitrary(),
            text.ToArbitrary(),
            Gen.Elements("hour", "day", "week").ToArbitrary(),
            (start, end, granularity) =>
            {
                var errors = new List<FieldError>();
                var query = StatisticsQuery.Read(
                    Query(("start_date", start), ("end_date", end), ("granularity", granularity), ("time_zone", "Pacific/Kiritimati")),
                    Now,
                    errors
                );

                Assert.Equal(query is null, errors.Count > 0);
                if (query is not null)
                    Assert.InRange(TimeSeries.Buckets(query.From, query.To, query.Granularity, query.Zone).Count, 1, 3_700);
            }
        );
    }

    private static StatisticsQuery Good(params (string Name, string? Value)[] parameters)
    {
        var errors = new List<FieldError>();
        var query = StatisticsQuery.Read(Query(parameters), Now, errors);
        Assert.Empty(errors);
        return query!;
    }

    private static List<FieldError> Bad(params (string Name, string? Value)[] parameters)
    {
        var errors = new List<FieldError>();
        Assert.Null(StatisticsQuery.Read(Query(parameters), Now, errors));
        return errors;
    }

    private static QueryCollection Query(params (string Name, string? Value)[] parameters)
    {
        var values = new Dictionary<string, StringValues>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in parameters)
            values[name] = new StringValues(value);
        return new QueryCollection(values);
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
