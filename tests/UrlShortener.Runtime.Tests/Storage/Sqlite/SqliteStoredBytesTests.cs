using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Sqlite;

public sealed class SqliteStoredBytesTests(SqliteStores database) : StoredBytesContract, IClassFixture<SqliteStores>
{
    private protected override ValueTask<Stores> OpenAsync() => ValueTask.FromResult(database.Stores);
}
