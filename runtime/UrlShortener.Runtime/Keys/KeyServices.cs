using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Keys;

/// <summary>Registers the pool of codes made ahead of demand.</summary>
internal static class KeyServices
{
    /// <summary>Registers it. Redis registers the source that processes share.</summary>
    public static void AddKeys(this IServiceCollection services, ConfiguredServers servers)
    {
        if (!servers.HasRedis)
            services.AddSingleton<IKeySource, RegistryKeySource>();
        services.AddSingleton<KeyPool>();
        services.AddSingleton<IKeyPoolHealth>(provider => provider.GetRequiredService<KeyPool>());
        services.AddHostedService<KeyPoolWorker>();
    }
}
