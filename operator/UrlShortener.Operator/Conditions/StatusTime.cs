namespace UrlShortener.Operator.Conditions;

/// <summary>Times of statuses.</summary>
internal static class StatusTime
{
    /// <summary>A time in whole seconds, as the API server stores it: a finer one would differ from what is read, and be written again.</summary>
    public static DateTime Of(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds()).UtcDateTime;
}
