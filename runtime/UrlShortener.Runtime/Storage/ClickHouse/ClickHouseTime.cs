namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>Times as ClickHouse has them. Pure.</summary>
internal static class ClickHouseTime
{
    private const long DayMilliseconds = 86_400_000;

    // Days that ClickHouse's types of time can hold lie before 2106.
    private static readonly DateTime Beginning = DateTime.UnixEpoch;
    private static readonly DateTime End = new(2105, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>The nearest time that the server can hold.</summary>
    public static DateTime Clamp(DateTime time) =>
        time < Beginning ? Beginning
        : time > End ? End
        : time;

    /// <summary>Unix time in milliseconds. Clicks have whole ones: those from a moment on are those from the next whole one on.</summary>
    public static long MillisecondOf(DateTime time) => ((time - DateTime.UnixEpoch).Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;

    /// <summary>Divides a range into parts of whole days, each with about so many clicks as are read at once, or of one day with more.</summary>
    /// <param name="from">Start, Unix milliseconds.</param>
    /// <param name="to">End, not included.</param>
    /// <param name="days">Days since 1970 with their clicks, ascending.</param>
    /// <param name="clicks">So many.</param>
    public static IEnumerable<(long From, long To)> DivideDays(long from, long to, IReadOnlyList<(long Day, long Clicks)> days, long clicks)
    {
        var (start, sum) = (from, 0L);
        for (var i = 0; i < days.Count; i++)
        {
            sum += days[i].Clicks;
            var isLast = i == days.Count - 1;
            if (!isLast && sum + days[i + 1].Clicks <= clicks)
                continue;
            // Up to the end of the range, as a click may have come since the days were counted.
            var end = isLast ? to : (days[i].Day + 1) * DayMilliseconds;
            yield return (start, end);
            (start, sum) = (end, 0);
        }
    }
}
