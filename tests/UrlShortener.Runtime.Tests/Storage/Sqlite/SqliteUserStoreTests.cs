using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Sqlite;

public sealed class SqliteUserStoreTests(SqliteStores database) : UserStoreContract, IClassFixture<SqliteStores>
{
    private protected override ValueTask<Stores> OpenAsync() => ValueTask.FromResult(database.Stores);
}
