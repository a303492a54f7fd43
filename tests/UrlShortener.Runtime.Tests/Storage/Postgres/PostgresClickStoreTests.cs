using Npgsql;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Storage.Postgres;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

public sealed class PostgresClickStoreTests(PostgresStores database) : ClickStoreContract, IClassFixture<PostgresStores>
{
    [Fact]
    public async Task Append_ClicksOfManyLinks_ReadsNoTableWhole()
    {
        await OpenAsync();
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);

        // As many as the largest batch, which makes the planner reckon with more links than there are.
        var plan = await PostgresPlans.ExplainAsync(
            connection,
            PostgresClickStore.CodeByCodeSql,
            PostgresClickStore.CountSql,
            $"ARRAY[{string.Join(',', Enumerable.Range(0, 5000).Select(i => $"'code{i}'"))}], array_fill(1::bigint, ARRAY[5000]), array_fill(now(), ARRAY[5000])",
            TestContext.Current.CancellationToken);

        Assert.Contains(plan, line => line.Contains("Index Scan using kgs_keys_", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.Contains("Seq Scan", StringComparison.Ordinal) || line.Contains("Bitmap", StringComparison.Ordinal) || line.Contains("Join", StringComparison.Ordinal));
    }

    // Statistics may lag as far behind as a replica does; what the contract asks for is asked of the primary.
    private protected override async ValueTask<Stores> OpenAsync()
    {
        await database.OpenAsync();
        return database.StoresOf(await database.NewDatabaseAsync(new PostgresOptions { ReadFromReplicas = false }));
    }
}
