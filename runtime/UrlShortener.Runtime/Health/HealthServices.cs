namespace UrlShortener.Runtime.Health;

/// <summary>Registers the health endpoints and the drain at shutdown.</summary>
internal static class HealthServices
{
    /// <summary>Registers them.</summary>
    public static void AddHealth(this IServiceCollection services)
    {
        services.AddSingleton<HealthEndpoints>();
        services.AddSingleton<Drain>();
        services.AddHostedService(provider => provider.GetRequiredService<Drain>());
    }
}
