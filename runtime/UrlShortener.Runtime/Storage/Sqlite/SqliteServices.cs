using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Statistics;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Storage.Sqlite;

/// <summary>Registers the stores in an SQLite file.</summary>
internal static class SqliteServices
{
    /// <summary>Registers the stores.</summary>
    public static void AddSqlite(this IServiceCollection services)
    {
        services.AddSingleton<SqliteDatabase>();
        services.AddSingleton<IDatabase>(provider => provider.GetRequiredService<SqliteDatabase>());
        services.AddSingleton<IStoreHealth>(provider => provider.GetRequiredService<SqliteDatabase>());
        services.AddSingleton<SqliteLinkStore>();
        services.AddSingleton<ILinkStore>(provider => provider.GetRequiredService<SqliteLinkStore>());
        services.AddSingleton<IFollowedLinks>(provider => provider.GetRequiredService<SqliteLinkStore>());
        services.AddSingleton<ILinkChangeLog>(provider => provider.GetRequiredService<SqliteLinkStore>());
        services.AddSingleton<IUserStore, SqliteUserStore>();
        services.AddSingleton<SqliteKeyStore>();
        services.AddSingleton<IKeyClaims>(provider => provider.GetRequiredService<SqliteKeyStore>());
        services.AddSingleton<IEpochRegistry>(provider => provider.GetRequiredService<SqliteKeyStore>());
        services.AddSingleton<SqliteClickStore>();
        services.AddSingleton<IClickSink>(provider => provider.GetRequiredService<SqliteClickStore>());
        services.AddSingleton<IClickSalts>(provider => provider.GetRequiredService<SqliteClickStore>());
        services.AddSingleton<IClickRetention>(provider => provider.GetRequiredService<SqliteClickStore>());
        services.AddSingleton<IStatisticsSource>(provider => provider.GetRequiredService<SqliteClickStore>());
        services.AddSingleton<ISingleClicks>(provider => provider.GetRequiredService<SqliteClickStore>());
        services.AddSingleton<IDaySums>(provider => provider.GetRequiredService<SqliteClickStore>());
    }
}
