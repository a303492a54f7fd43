using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Storage.Sqlite;

namespace UrlShortener.Runtime.Tests.Storage.Sqlite;

/// <summary>A database in a folder of its own, shared by the tests of a class and deleted after them.</summary>
public sealed class SqliteStores : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("shortener");
    private readonly SqliteDatabase _database;

    public SqliteStores()
    {
        _database = new SqliteDatabase(new StorageOptions { DataDirectory = _folder.FullName }, NullLogger<SqliteDatabase>.Instance);
        _database.Migrate();
        Stores = StoresOf(_database);
    }

    internal Stores Stores { get; }

    internal SqliteDatabase Database => _database;

    internal static Stores StoresOf(SqliteDatabase database)
    {
        var clicks = new SqliteClickStore(database);
        return new Stores(
            new SqliteLinkStore(database, new KeyEpoch(), TimeProvider.System),
            new SqliteUserStore(database),
            new SqliteKeyStore(database, TimeProvider.System),
            clicks,
            clicks,
            clicks,
            clicks,
            clicks,
            clicks
        );
    }

    /// <summary>The key store of another run.</summary>
    internal IKeyClaims NewKeyStore() => new SqliteKeyStore(_database, TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
