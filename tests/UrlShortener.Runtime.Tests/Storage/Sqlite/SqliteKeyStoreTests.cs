using UrlShortener.Runtime.Keys;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Sqlite;

public sealed class SqliteKeyStoreTests(SqliteStores database) : KeyStoreContract, IClassFixture<SqliteStores>
{
    private protected override ValueTask<Stores> OpenAsync() => ValueTask.FromResult(database.Stores);

    private protected override IKeyClaims NewKeyStore() => database.NewKeyStore();
}
