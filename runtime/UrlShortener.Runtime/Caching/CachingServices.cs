using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Caching;

/// <summary>Registers the link cache and what keeps it right.</summary>
internal static class CachingServices
{
    /// <summary>Registers them. Redis registers the tier that processes share.</summary>
    public static void AddCaching(this IServiceCollection services, ConfiguredServers servers)
    {
        RuntimeMetrics.Register(typeof(CacheMetrics), typeof(ChangeFeed));
        if (!servers.HasRedis)
            services.AddSingleton<ISharedLinkCache, NoSharedLinkCache>();
        services.AddSingleton<LinkCache>();
        services.AddSingleton<ILinkChangePublisher, LinkChangePublisher>();
        services.AddHostedService<ChangeFeed>();
        if (servers.HasPostgres)
            services.AddHostedService<WarmUp>();
    }
}
