using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.Postgres;
using UrlShortener.Runtime.Storage.Redis;
using UrlShortener.Runtime.Storage.Sqlite;

namespace UrlShortener.Runtime.Storage;

/// <summary>Registers the stores of the servers that are configured.</summary>
internal static class StorageServices
{
    /// <summary>Registers the store, and what processes share when there is a Redis.</summary>
    public static void AddStorage(this IServiceCollection services, ConfiguredServers servers)
    {
        services.AddStore(servers);
        if (servers.HasRedis)
            services.AddRedis();
    }

    /// <summary>Registers the same for a command: no service runs, and Redis is connected to when it is first used.</summary>
    public static void AddStorageForCommands(this IServiceCollection services, ConfiguredServers servers)
    {
        services.AddStore(servers);
        if (servers.HasRedis)
            services.AddRedisForCommands();
    }

    private static void AddStore(this IServiceCollection services, ConfiguredServers servers)
    {
        services.AddSingleton<KeyEpoch>();
        services.AddSingleton<RememberedNames>();
        services.AddSingleton<IFailureClassifier, StoreFailure>();
        if (servers.HasPostgres)
            services.AddPostgres();
        else
            services.AddSqlite();
    }
}
