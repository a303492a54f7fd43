using UrlShortener.Runtime.Clicks.Spool;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Clicks.Publishing;

/// <summary>Registers the publication of click events.</summary>
internal static class PublishingServices
{
    /// <summary>Registers the spool, what fills it and what empties it.</summary>
    public static void AddPublishing(this IServiceCollection services)
    {
        RuntimeMetrics.Register(typeof(ClickEventMetrics));
        services.AddSingleton(provider =>
        {
            var options = provider.GetRequiredService<ClickOptions>();
            var logger = provider.GetRequiredService<ILogger<ClickSpool>>();
            return ClickSpool.Open(options.SpoolDirectory, options.SpoolBytes, ClickSpool.UsualSegmentBytes, logger);
        });
        services.AddSingleton<ClickPublisher>();
        services.AddHostedService(provider => provider.GetRequiredService<ClickPublisher>());
    }
}
