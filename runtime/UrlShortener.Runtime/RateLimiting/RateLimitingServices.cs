using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.RateLimiting;

/// <summary>Registers rate limiting.</summary>
internal static class RateLimitingServices
{
    /// <summary>Registers rate limiting.</summary>
    public static void AddRateLimiting(this IServiceCollection services)
    {
        RuntimeMetrics.Register(typeof(RateLimiter));
        services.AddSingleton<RateLimiter>();
    }
}
