using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.ClickHouse;
using UrlShortener.Runtime.Storage.Kafka;
using UrlShortener.Runtime.Storage.Postgres;
using UrlShortener.Runtime.Storage.Redis;
using UrlShortener.Runtime.Storage.Sqlite;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Storage;

/// <summary>Registers the stores of the configured servers.</summary>
internal static class StorageServices
{
    /// <summary>Registers the store and, with Redis, the state that processes share; with Kafka, what sends click events; with
    /// ClickHouse, what answers statistics.</summary>
    public static void AddStorage(this IServiceCollection services, ConfiguredServers servers)
    {
        services.AddStore(servers);
        if (servers.HasRedis)
            services.AddRedis();
        if (servers.HasKafka)
            services.AddKafka();
        if (servers.HasClickHouse)
            services.AddClickHouse();
    }

    /// <summary>Registers the same for a command: no service runs, and the connection to Redis is made on first use.</summary>
    public static void AddStorageForCommands(this IServiceCollection services, ConfiguredServers servers)
    {
        services.AddStore(servers);
        if (servers.HasRedis)
            services.AddRedisForCommands();
        if (servers.HasClickHouse)
            services.AddClickHouse();
    }

    private static void AddStore(this IServiceCollection services, ConfiguredServers servers)
    {
        RuntimeMetrics.Register(typeof(StoreMetrics), typeof(RememberedNames));
        services.AddSingleton<KeyEpoch>();
        services.AddSingleton<WriteAccess>();
        services.AddSingleton<RememberedNames>();
        services.AddSingleton<IFailureClassifier, StoreFailure>();
        if (servers.HasPostgres)
            services.AddPostgres();
        else
            services.AddSqlite();
    }
}
