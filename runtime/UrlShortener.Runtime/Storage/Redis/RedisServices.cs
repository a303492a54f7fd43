using StackExchange.Redis.Configuration;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.RateLimiting;

namespace UrlShortener.Runtime.Storage.Redis;

/// <summary>Registers the state that processes share in Redis.</summary>
internal static class RedisServices
{
    /// <summary>Registers the census, which counts this process among those that share the limits of callers.</summary>
    public static void AddProcessCensus(this IServiceCollection services) =>
        services.AddHostedService(provider => provider.GetRequiredService<ProcessCensus>());

    /// <summary>Registers the pool of codes for a process that does not serve. The connection is made when the pool is first used.</summary>
    public static void AddRedisForCommands(this IServiceCollection services)
    {
        services.AddSingleton<Tunnel, RememberedNamesTunnel>();
        services.AddSingleton(provider =>
        {
            var connection = ActivatorUtilities.CreateInstance<RedisConnection>(provider);
            connection.Start();
            return connection;
        });
        services.AddSingleton<IRegionPool, RedisKeyPool>();
    }

    /// <summary>Registers everything that uses Redis. <c>ConnectionStrings:Redis</c> must be set.</summary>
    public static void AddRedis(this IServiceCollection services)
    {
        services.AddSingleton<Tunnel, RememberedNamesTunnel>();
        services.AddSingleton<RedisConnection>();
        services.AddSingleton<ProcessCensus>();
        services.AddSingleton<ISharedLinkCache, RedisLinkCache>();
        services.AddSingleton<ISharedBuckets, RedisBuckets>();
        services.AddSingleton<IRegionPool, RedisKeyPool>();
        services.AddSingleton<IKeySource, SharedKeySource>();
        services.AddHostedService(provider => provider.GetRequiredService<RedisConnection>());
        services.AddHostedService<RedisEvictions>();
    }
}
