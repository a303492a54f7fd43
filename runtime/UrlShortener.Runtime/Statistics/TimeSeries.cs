namespace UrlShortener.Runtime.Statistics;

/// <summary>Width of a bucket.</summary>
internal enum Granularity
{
    /// <summary>60 minutes of elapsed time.</summary>
    Hour,

    /// <summary>Midnight to midnight, 23 to 25 hours.</summary>
    Day,

    /// <summary>Monday to Monday (ISO 8601).</summary>
    Week,
}

/// <summary>Adds quarter hours up into the hours, days and weeks of a time zone. Pure.</summary>
internal static class TimeSeries
{
    /// <summary>Length of a quarter hour, in seconds. Every offset in use since 1972 is a multiple of it.</summary>
    public const long QuarterSeconds = 900;

    /// <summary>Starts of all buckets that overlap a range, ascending.</summary>
    public static List<DateTimeOffset> Buckets(DateTimeOffset from, DateTimeOffset to, Granularity granularity, TimeZoneInfo zone)
    {
        var starts = new List<DateTimeOffset>();
        if (granularity == Granularity.Hour)
        {
            // By elapsed time, so that the hour that a clock repeats in autumn is two buckets.
            var local = TimeZoneInfo.ConvertTime(from, zone);
            var start = from.AddTicks(-(local.TimeOfDay.Ticks % TimeSpan.TicksPerHour));
            for (; start < to; start = start.AddHours(1))
                starts.Add(TimeZoneInfo.ConvertTime(start, zone));
            return starts;
        }

        var day = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(from, zone).DateTime);
        if (granularity == Granularity.Week)
            day = day.AddDays(-(((int)day.DayOfWeek + 6) % 7));
        for (; StartOf(day, zone) < to; day = day.AddDays(granularity == Granularity.Week ? 7 : 1))
            starts.Add(StartOf(day, zone));
        return starts;
    }

    /// <summary>Clicks of each bucket.</summary>
    /// <param name="buckets">Starts, ascending.</param>
    /// <param name="quarters">Clicks per Unix quarter hour, ascending.</param>
    public static long[] Sum(IReadOnlyList<DateTimeOffset> buckets, IReadOnlyList<KeyValuePair<long, long>> quarters)
    {
        var sums = new long[buckets.Count];
        var bucket = 0;
        foreach (var (quarter, clicks) in quarters)
        {
            var at = quarter * QuarterSeconds;
            while (bucket + 1 < buckets.Count && buckets[bucket + 1].ToUnixTimeSeconds() <= at)
                bucket++;
            if (sums.Length > 0)
                sums[bucket] += clicks;
        }

        return sums;
    }

    /// <summary>First moment of a day in a time zone: midnight, or the end of the gap where a zone skips it.</summary>
    public static DateTimeOffset StartOf(DateOnly day, TimeZoneInfo zone)
    {
        var midnight = day.ToDateTime(TimeOnly.MinValue, DateTimeKind.Unspecified);
        while (zone.IsInvalidTime(midnight))
            midnight = midnight.AddMinutes(15);
        // Where midnight comes twice the day begins at the first one, which has the larger offset.
        var offset = zone.IsAmbiguousTime(midnight) ? zone.GetAmbiguousTimeOffsets(midnight).Max() : zone.GetUtcOffset(midnight);
        return new DateTimeOffset(midnight, offset);
    }
}
