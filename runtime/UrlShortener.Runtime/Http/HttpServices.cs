namespace UrlShortener.Runtime.Http;

/// <summary>Registers what every HTTP endpoint shares.</summary>
internal static class HttpServices
{
    /// <summary>Registers it.</summary>
    public static void AddHttp(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<BodyBudget>();
        services.AddSingleton<ConnectionLimit>();
        services.AddSingleton<KnownHosts>();
        services.AddCrossOrigin(configuration);
    }
}
