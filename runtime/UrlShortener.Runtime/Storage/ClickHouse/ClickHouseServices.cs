using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Clicks.Results;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Statistics;
using UrlShortener.Runtime.Storage.Postgres;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>Registers what speaks to ClickHouse.</summary>
internal static class ClickHouseServices
{
    /// <summary>Registers the tables, and the statistics in the place of the store's. Nothing connects before the first use.</summary>
    public static void AddClickHouse(this IServiceCollection services)
    {
        services.AddSingleton<ClickHouseDatabase>();
        services.AddSingleton<ClickHouseMigrations>();
        services.AddSingleton<IAnalyticsTables>(provider => provider.GetRequiredService<ClickHouseMigrations>());
        services.AddSingleton<IAnalyticsHealth>(provider => provider.GetRequiredService<ClickHouseMigrations>());
        services.AddSingleton<PostgresDueErasures>();
        services.AddSingleton<IClickErasure, ClickHouseErasure>();
        services.AddSingleton<IClickWarehouse, ClickHouseWarehouse>();
        services.AddSingleton<IResultTables, ClickHouseResults>();
        services.AddSingleton<IRecentCounts, ClickHouseRecentCounts>();
        services.AddSingleton<IStatisticsSource, ClickHouseStatistics>();
        services.AddSingleton<ISingleClicks, ClickHouseSingleClicks>();
    }

    /// <summary>Registers the migration of the tables by a process that loads clicks, if the configuration asks for it.</summary>
    public static void AddClickHouseMigration(this IServiceCollection services) => services.AddHostedService<ClickHouseStartMigration>();
}
