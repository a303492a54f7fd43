using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Clicks;

/// <summary>Opens the configured GeoIP file.</summary>
internal static class GeoDatabases
{
    /// <summary>The writer's enricher with the file, or without one when none is configured.</summary>
    public static ClickEnricher BuildEnricher(IServiceProvider services) =>
        new(
            services.GetRequiredService<ClickOptions>().GeoDatabasePath is { Length: > 0 } path
                ? new GeoDatabase(path, services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<GeoDatabase>>())
                : null
        );
}
