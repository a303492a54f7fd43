using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Sqlite;

public sealed class SqliteClickStoreTests(SqliteStores database) : ClickStoreContract, IClassFixture<SqliteStores>
{
    private protected override ValueTask<Stores> OpenAsync() => ValueTask.FromResult(database.Stores);
}
