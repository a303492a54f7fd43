using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Redirects;

/// <summary>Registers redirects.</summary>
internal static class RedirectServices
{
    /// <summary>Registers redirects.</summary>
    public static void AddRedirects(this IServiceCollection services)
    {
        RuntimeMetrics.Register(typeof(RedirectMetrics));
        services.AddSingleton<OwnPages>();
        services.AddSingleton<RedirectEndpoint>();
    }
}
