using System.Globalization;
using UrlShortener.Runtime.Http;

namespace UrlShortener.Runtime.Statistics;

/// <summary>A query for statistics.</summary>
/// <param name="From">Start.</param>
/// <param name="To">End, not included.</param>
/// <param name="Granularity">Width of a bucket.</param>
/// <param name="Zone">Time zone of the buckets.</param>
internal sealed record StatisticsQuery(DateTimeOffset From, DateTimeOffset To, Granularity Granularity, TimeZoneInfo Zone)
{
    private const int DefaultDays = 30;
    private const int MaxDays = 3_660;
    private const int MaxHourlyDays = 92;

    private static readonly string[] RangeParameters = ["start_date", "end_date", "time_zone"];

    /// <summary>Reads a query; null when it has errors, which are added to the list.</summary>
    public static StatisticsQuery? Read(IQueryCollection query, DateTimeOffset now, List<FieldError> errors) =>
        Read(new QueryParameters(query, errors, ["start_date", "end_date", "granularity", "time_zone"]), now, errors);

    /// <summary>Reads a query for single clicks, which has no buckets; null when it has errors, which are added to the list.</summary>
    public static StatisticsQuery? ReadRange(IQueryCollection query, DateTimeOffset now, List<FieldError> errors) =>
        Read(new QueryParameters(query, errors, RangeParameters), now, errors);

    private static StatisticsQuery? Read(QueryParameters parameters, DateTimeOffset now, List<FieldError> errors)
    {
        var zone = ReadZone(parameters) ?? TimeZoneInfo.Utc;
        var granularity = parameters.OneOf("granularity", "hour", "day", "week") switch
        {
            "hour" => Granularity.Hour,
            "week" => Granularity.Week,
            _ => Granularity.Day,
        };
        var to = ReadDate(parameters, "end_date", zone, isEnd: true) ?? now;
        var from =
            ReadDate(parameters, "start_date", zone, isEnd: false)
            ?? TimeSeries.StartOf(DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(Back(to, DefaultDays), zone).DateTime), zone);
        if (errors.Count > 0)
            return null;

        var limit = granularity == Granularity.Hour ? MaxHourlyDays : MaxDays;
        if (from >= to)
            parameters.Refuse("start_date", "must be before end_date.");
        else if (to - from > TimeSpan.FromDays(limit))
            parameters.Refuse("start_date", $"must be at most {limit} days before end_date at this granularity.");
        return errors.Count > 0 ? null : new StatisticsQuery(from, to, granularity, zone);
    }

    private static DateTimeOffset Back(DateTimeOffset time, int days) =>
        time - DateTimeOffset.UnixEpoch > TimeSpan.FromDays(days) ? time.AddDays(-days) : DateTimeOffset.UnixEpoch;

    private static TimeZoneInfo? ReadZone(QueryParameters parameters)
    {
        var name = parameters.Text("time_zone", 64);
        if (name is null)
            return null;
        // The system's database repeats its zones under posix/ and right/; these are not IANA names.
        var isSystemsOwn =
            name.StartsWith("posix", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("right/", StringComparison.OrdinalIgnoreCase)
            || name == "localtime";
        if (!isSystemsOwn && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) && zone.HasIanaId)
            return zone;
        parameters.Refuse("time_zone", "must be an IANA name, such as Europe/Berlin.");
        return null;
    }

    // A date is a whole day of the time zone, at both ends; a time names its moment.
    private static DateTimeOffset? ReadDate(QueryParameters parameters, string name, TimeZoneInfo zone, bool isEnd)
    {
        var text = parameters.Text(name, 40);
        if (text is null)
            return null;
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
        {
            if (day.Year is >= 1970 and <= 9000)
                return TimeSeries.StartOf(isEnd ? day.AddDays(1) : day, zone);
        }
        // A '+' that was not escaped arrives as a blank.
        else if (UtcTimeConverter.TryParse(text.Replace(' ', '+'), out var time) && time.Year is >= 1970 and <= 9000)
        {
            return time.ToUniversalTime();
        }

        parameters.Refuse(name, "must be a date such as 2030-01-31 or a time such as 2030-01-31T12:00:00Z.");
        return null;
    }
}
