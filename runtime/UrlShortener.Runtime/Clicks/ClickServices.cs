using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Clicks;

/// <summary>Registers the capture of clicks.</summary>
internal static class ClickServices
{
    /// <summary>Registers the queue and its writer.</summary>
    public static void AddClicks(this IServiceCollection services)
    {
        RuntimeMetrics.Register(typeof(ClickMetrics));
        services.AddSingleton<ClickQueue>();
        services.AddSingleton(GeoDatabases.BuildEnricher);
        services.AddHostedService<ClickWriter>();
    }
}
