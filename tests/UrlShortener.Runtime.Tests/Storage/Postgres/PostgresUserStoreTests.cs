using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

public sealed class PostgresUserStoreTests(PostgresStores database) : UserStoreContract, IClassFixture<PostgresStores>
{
    private protected override ValueTask<Stores> OpenAsync() => database.OpenAsync();
}
