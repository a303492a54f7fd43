using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Storage.Sqlite;

/// <summary>The stores in a file of SQLite.</summary>
internal static class SqliteServices
{
    /// <summary>Registers them.</summary>
    public static void AddSqlite(this IServiceCollection services)
    {
        services.AddSingleton<SqliteDatabase>();
        services.AddSingleton<IDatabase>(provider => provider.GetRequiredService<SqliteDatabase>());
        services.AddSingleton<ILinkStore, SqliteLinkStore>();
        services.AddSingleton<IUserStore, SqliteUserStore>();
        services.AddSingleton<IKeyStore, SqliteKeyStore>();
        services.AddSingleton<IClickStore, SqliteClickStore>();
    }
}
