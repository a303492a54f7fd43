using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Sqlite;

public sealed class SqliteLinkStoreTests(SqliteStores database) : LinkStoreContract, IClassFixture<SqliteStores>
{
    private protected override ValueTask<Stores> OpenAsync() => ValueTask.FromResult(database.Stores);
}
