namespace UrlShortener.ControllerRuntime.Timing;

/// <summary>
/// Times in leases and events. The API server accepts exactly six decimals, and KubernetesClient writes none on a full second.
/// </summary>
internal static class MicroTime
{
    /// <summary>Now, never on a full second.</summary>
    public static DateTime Now(TimeProvider time)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var whole = new DateTime(now.Ticks - (now.Ticks % TimeSpan.TicksPerMicrosecond), DateTimeKind.Utc);
        return whole.Ticks % TimeSpan.TicksPerSecond == 0 ? whole.AddMicroseconds(1) : whole;
    }
}
