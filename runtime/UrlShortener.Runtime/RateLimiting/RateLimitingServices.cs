namespace UrlShortener.Runtime.RateLimiting;

/// <summary>Registers rate limiting.</summary>
internal static class RateLimitingServices
{
    /// <summary>Registers rate limiting.</summary>
    public static void AddRateLimiting(this IServiceCollection services) => services.AddSingleton<RateLimiter>();
}
