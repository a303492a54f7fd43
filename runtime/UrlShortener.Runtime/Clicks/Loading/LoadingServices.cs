using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>Registers the load of click events.</summary>
internal static class LoadingServices
{
    /// <summary>Registers what receives events and loads them.</summary>
    public static void AddLoading(this IServiceCollection services)
    {
        RuntimeMetrics.Register(typeof(LoadMetrics));
        services.AddSingleton<BatchLoader>();
        services.AddHostedService<ClickLoader>();
    }
}
