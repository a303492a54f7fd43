using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Keys;

/// <summary>Registers the pool of codes made ahead of demand.</summary>
internal static class KeyServices
{
    /// <summary>Registers the pool. With Redis, the shared source of codes is registered with Redis.</summary>
    public static void AddKeys(this IServiceCollection services, ConfiguredServers servers)
    {
        RuntimeMetrics.Register(typeof(KeyMetrics));
        if (!servers.HasRedis)
            services.AddSingleton<IKeySource, RegistryKeySource>();
        services.AddSingleton<KeyPool>();
        services.AddSingleton<IKeyPoolHealth>(provider => provider.GetRequiredService<KeyPool>());
        services.AddHostedService<KeyPoolWorker>();
    }
}
