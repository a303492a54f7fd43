using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Storage.Sqlite;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Sqlite;

public sealed class SqliteLinkStoreTests(SqliteStores database) : LinkStoreContract, IClassFixture<SqliteStores>
{
    /// <summary>SQLite refuses the statement when it cannot use the index that it names.</summary>
    [Fact]
    public async Task List_AnyFilters_GoesAlongTheUsersLinksInOrder()
    {
        foreach (var query in EveryCombinationOfFilters(1, "abc").SelectMany(query => (LinkQuery[])[query, query with { After = new LinkCursor(1, 1) }]))
        {
            var (sql, values) = SqliteLinkStore.ListSql(query);
            var plan = await database.Database.ReadAsync(
                session =>
                {
                    var steps = new List<string>();
                    session.ReadOnce(
                        $"EXPLAIN QUERY PLAN {sql}",
                        row =>
                        {
                            steps.Add(row.GetString(3));
                            return true;
                        },
                        [.. values]
                    );
                    return steps;
                },
                Token
            );

            Assert.StartsWith("SEARCH urls USING INDEX idx_urls_user_", Assert.Single(plan), StringComparison.Ordinal);
        }
    }

    private protected override ValueTask<Stores> OpenAsync() => ValueTask.FromResult(database.Stores);
}
