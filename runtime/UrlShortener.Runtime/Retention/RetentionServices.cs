using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Retention;

/// <summary>Registers the deletion of data.</summary>
internal static class RetentionServices
{
    /// <summary>Registers the workers that delete old data and the clicks of deleted links.</summary>
    public static void AddRetention(this IServiceCollection services, ConfiguredServers servers)
    {
        services.AddHostedService<RetentionWorker>();
        services.AddHostedService<DeletionWorker>();
        if (!servers.HasClickHouse)
            return;
        RuntimeMetrics.Register(typeof(ErasureWorker));
        services.AddHostedService<ErasureWorker>();
    }

    /// <summary>Registers the deletion of a user, for a command.</summary>
    public static void AddUserDeletion(this IServiceCollection services) => services.AddSingleton<UserDeletion>();
}
