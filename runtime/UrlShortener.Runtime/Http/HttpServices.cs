using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Http;

/// <summary>Registers services that all HTTP endpoints share.</summary>
internal static class HttpServices
{
    /// <summary>Registers the shared services.</summary>
    public static void AddHttp(this IServiceCollection services, IConfiguration configuration)
    {
        RuntimeMetrics.Register(typeof(BodyBudget), typeof(ConnectionLimit));
        services.AddSingleton<BodyBudget>();
        services.AddSingleton<ConnectionLimit>();
        services.AddSingleton<KnownHosts>();
        services.AddSingleton<TrustedProxies>();
        services.AddCrossOrigin(configuration);
    }
}
