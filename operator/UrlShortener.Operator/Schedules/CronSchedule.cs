using Cronos;

namespace UrlShortener.Operator.Schedules;

/// <summary>The times of a schedule, in UTC. Pure.</summary>
internal static class CronSchedule
{
    /// <summary>Why an expression is not valid; null: it is.</summary>
    public static string? FindProblem(string expression)
    {
        try
        {
            return CronExpression.Parse(expression).GetNextOccurrence(DateTime.UnixEpoch) is null ? "has no time at all" : null;
        }
        catch (CronFormatException invalid)
        {
            return $"is not a cron expression: {invalid.Message.TrimEnd('.')}";
        }
    }

    /// <summary>
    /// The first time after another one, if it has come. Later times that have come too are the same run: after a long outage there is one backup, not one for
    /// each time that was missed.
    /// </summary>
    public static DateTimeOffset? FindDue(string expression, DateTimeOffset after, DateTimeOffset now) =>
        CronExpression.Parse(expression).GetNextOccurrence(after.UtcDateTime) is { } next && next <= now.UtcDateTime ? new DateTimeOffset(next) : null;

    /// <summary>Whether a time is in a window that opens at the times of the schedule.</summary>
    /// <param name="expression">A valid schedule.</param>
    /// <param name="length">How long a window is open.</param>
    /// <param name="now">The time.</param>
    public static bool IsOpen(string expression, TimeSpan length, DateTimeOffset now) =>
        CronExpression.Parse(expression).GetNextOccurrence((now - length).UtcDateTime) is { } opened && opened <= now.UtcDateTime;
}
