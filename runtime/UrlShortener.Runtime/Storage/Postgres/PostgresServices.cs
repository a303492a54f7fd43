using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Statistics;
using UrlShortener.Runtime.Telemetry;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Registers the stores on PostgreSQL.</summary>
internal static class PostgresServices
{
    /// <summary>Registers the stores.</summary>
    public static void AddPostgres(this IServiceCollection services)
    {
        RuntimeMetrics.Register(
            typeof(PostgresPartitions),
            typeof(PostgresLinkWriter),
            typeof(ReplicationMetrics),
            typeof(RegionMetrics),
            typeof(PostgresClickFoldWorker)
        );
        services.AddSingleton<PostgresCancellations>();
        services.AddSingleton(provider =>
        {
            var hosts = ActivatorUtilities.CreateInstance<PostgresHosts>(provider);
            hosts.Start();
            return hosts;
        });
        services.AddSingleton<PostgresDatabase>();
        services.AddSingleton<PostgresWriteRegion>();
        services.AddSingleton<IDatabase, PostgresMigrations>();
        services.AddSingleton<IStoreHealth, PostgresHealth>();
        services.AddSingleton<IStoreSchema, PostgresSchema>();
        services.AddSingleton<PostgresLinkWriter>();
        services.AddSingleton<PostgresLinkStore>();
        services.AddSingleton<ILinkStore>(provider => provider.GetRequiredService<PostgresLinkStore>());
        services.AddSingleton<ILinkChangeLog>(provider => provider.GetRequiredService<PostgresLinkStore>());
        services.AddSingleton<IFollowedLinks>(provider => provider.GetRequiredService<PostgresLinkStore>());
        services.AddSingleton<IUserStore, PostgresUserStore>();
        services.AddSingleton<PostgresKeyStore>();
        services.AddSingleton<IKeyClaims>(provider => provider.GetRequiredService<PostgresKeyStore>());
        services.AddSingleton<IKeyBatchStore>(provider => provider.GetRequiredService<PostgresKeyStore>());
        services.AddSingleton<IEpochRegistry>(provider => provider.GetRequiredService<PostgresKeyStore>());
        services.AddSingleton<IClickSink, PostgresClickSink>();
        services.AddSingleton<PostgresClickFolder>();
        services.AddSingleton<ILoadProgress, PostgresLoadProgress>();
        services.AddSingleton<IClickSalts, PostgresClickSalts>();
        services.AddSingleton<IClickRetention, PostgresClickRetention>();
        services.AddSingleton<PostgresStatistics>();
        services.AddSingleton<IStatisticsSource>(provider => provider.GetRequiredService<PostgresStatistics>());
        services.AddSingleton<IDaySums>(provider => provider.GetRequiredService<PostgresStatistics>());
        services.AddSingleton<ISingleClicks, PostgresSingleClicks>();
        services.AddHostedService<PostgresWriteRegionWatch>();
        services.AddHostedService<PostgresMaintenance>();
    }

    /// <summary>Registers who counts stored clicks. Before the writer of clicks, so that it stops after all of them are stored.</summary>
    public static void AddPostgresClickFolding(this IServiceCollection services) => services.AddHostedService<PostgresClickFoldWorker>();
}
