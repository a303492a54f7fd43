namespace UrlShortener.Runtime.Storage;

/// <summary>
/// Divides a range into parts that the sums of whole UTC days cover, and parts whose single clicks must be read: days at its ends that also have clicks
/// outside the range, and days whose visitors are not counted yet. Pure.
/// </summary>
/// <param name="FirstDay">First day to read from the sums.</param>
/// <param name="EndDay">The day after the last one to read from the sums; not after <paramref name="FirstDay"/> if there is none.</param>
/// <param name="Clicks">Parts whose single clicks are read. All of them lie before or after the days read from the sums.</param>
/// <param name="Visitors">Parts whose visitors are counted from single clicks: those of <paramref name="Clicks"/>, and days that are not counted yet.</param>
internal sealed record StatisticsPlan(DateOnly FirstDay, DateOnly EndDay, IReadOnlyList<TimeRange> Clicks, IReadOnlyList<TimeRange> Visitors)
{
    /// <summary>Plans how to read a range.</summary>
    /// <param name="from">Start of the range, UTC.</param>
    /// <param name="to">End of the range, exclusive, UTC; after the start.</param>
    /// <param name="days">Days with clicks, ascending: at least the first and the last of the range, and those whose visitors are not counted.</param>
    public static StatisticsPlan Of(DateTime from, DateTime to, IReadOnlyList<DayState> days)
    {
        var (first, last) = (DateOnly.FromDateTime(from), DateOnly.FromDateTime(to.AddTicks(-1)));
        var (firstDay, endDay) = (first, last.AddDays(1));
        List<TimeRange> clicks = [],
            visitors = [];
        foreach (var day in days)
        {
            var range = new TimeRange(Max(from, StartOf(day.Day)), Min(to, StartOf(day.Day.AddDays(1))));
            if (!day.IsWhole)
                clicks.Add(range);
            if (!day.IsWhole || !day.IsCounted)
                visitors.Add(range);
            if (!day.IsWhole && day.Day == first)
                firstDay = first.AddDays(1);
            if (!day.IsWhole && day.Day == last)
                endDay = last;
        }

        return new StatisticsPlan(firstDay, endDay, clicks, visitors);
    }

    /// <summary>Returns midnight of a day, UTC.</summary>
    public static DateTime StartOf(DateOnly day) => day.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc);

    private static DateTime Max(DateTime a, DateTime b) => a > b ? a : b;

    private static DateTime Min(DateTime a, DateTime b) => a < b ? a : b;
}

/// <summary>State of a day with clicks.</summary>
/// <param name="Day">The day, UTC.</param>
/// <param name="IsWhole">Whether all clicks of the day lie in the range.</param>
/// <param name="IsCounted">Whether its visitors are counted.</param>
internal readonly record struct DayState(DateOnly Day, bool IsWhole, bool IsCounted);

/// <summary>A part of a range, UTC. The end is exclusive.</summary>
internal readonly record struct TimeRange(DateTime From, DateTime To);
