namespace UrlShortener.Operator.KeyPools;

/// <summary>Rounds the numbers of a pool, so that small changes cause no write. Pure.</summary>
internal static class Rounding
{
    /// <summary>Forecasts beyond this time are dropped.</summary>
    public static readonly TimeSpan Horizon = TimeSpan.FromDays(30);

    // A forecast stays while the new one differs by less than this share of the remaining time.
    private const double Tolerance = 0.2;

    /// <summary>The two leading digits of a number, rounded down, and zeros.</summary>
    /// <param name="value">Not negative.</param>
    public static long TwoDigits(long value)
    {
        var unit = 1L;
        while (value / unit >= 100)
            unit *= 10;
        return value / unit * unit;
    }

    /// <summary>When the pool will be empty: the previous forecast while it is about right. Null: not in the foreseeable future.</summary>
    /// <param name="seconds">Seconds until then; null: the level does not fall.</param>
    /// <param name="former">The previous forecast.</param>
    /// <param name="now">The time.</param>
    public static DateTime? Exhaustion(double? seconds, DateTime? former, DateTimeOffset now)
    {
        if (seconds is not { } left || !(left >= 0) || left > Horizon.TotalSeconds)
            return null;
        if (former is { } told && Math.Abs((told.ToUniversalTime() - now.UtcDateTime).TotalSeconds - left) <= Math.Max(left * Tolerance, 60))
            return told;
        var step = left switch
        {
            < 3_600 => TimeSpan.FromMinutes(1),
            < 86_400 => TimeSpan.FromMinutes(10),
            _ => TimeSpan.FromHours(1),
        };
        var at = now.UtcDateTime.AddSeconds(left);
        return new DateTime(at.Ticks - (at.Ticks % step.Ticks), DateTimeKind.Utc);
    }
}
