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
            var plan = await ExplainAsync(sql, [.. values]);

            Assert.StartsWith("SEARCH urls USING INDEX idx_urls_user_", Assert.Single(plan), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task FindFollowed_UserWithManyLinks_ReadsThoseThatWereFollowed()
    {
        var plan = await ExplainAsync(SqliteLinkStore.FollowedSql, 1, Now.ToUnixTimeMilliseconds(), 10);

        var reads = plan.Where(step => step.StartsWith("SEARCH", StringComparison.Ordinal) || step.StartsWith("SCAN", StringComparison.Ordinal)).ToList();
        Assert.Equal("SEARCH followed_links USING COVERING INDEX idx_followed_links_user_id (user_id=? AND minute>?)", reads[0]);
        Assert.Equal(["SCAN followed", "SEARCH u USING INDEX sqlite_autoindex_urls_1 (short_code=?)"], reads[1..]);
    }

    private Task<List<string>> ExplainAsync(string sql, params object?[] values) =>
        database.Database.ReadAsync(
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
                    values
                );
                return steps;
            },
            Token
        );

    private protected override ValueTask<Stores> OpenAsync() => ValueTask.FromResult(database.Stores);
}
