namespace UrlShortener.Contracts;

/// <summary>States of a process of the runtime and of its components, in the answer to GET /health.</summary>
public static class HealthStatus
{
    /// <summary>Works.</summary>
    public const string Healthy = "healthy";

    /// <summary>Works with a fallback.</summary>
    public const string Degraded = "degraded";

    /// <summary>Does not work.</summary>
    public const string Unhealthy = "unhealthy";
}
