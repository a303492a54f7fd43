using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Storage.ClickHouse;
using Xunit;
using TestDatabase = UrlShortener.TestServers.ClickHouse.ClickHouseDatabase;

namespace UrlShortener.Runtime.Tests.Storage.ClickHouse;

public sealed class ClickHouseMigrationsTests(ClickHouseTables tables) : IClassFixture<ClickHouseTables>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Migrate_StoppedAfterAnyStatementAndInTwoProcessesAtOnce_EndsWithTheSameTables()
    {
        var (database, client) = await tables.NewAsync();
        await ClickHouseTables.Migrations(client).MigrateAsync(Token);
        var whole = await DescribeAsync(database);
        Assert.Contains(whole, table => table.StartsWith("clicks_by_day ", StringComparison.Ordinal));
        // What an insert has acknowledged outlives a loss of power.
        Assert.Equal(
            ["click_floods", "clicks", "clicks_by_day", "clicks_by_minute", "clicks_by_quarter_hour", "link_trends", "loaded_events", "newest_results"],
            whole
                .Where(table => table.Contains("fsync_after_insert = 1, fsync_part_directory = 1", StringComparison.Ordinal))
                .Select(table => table.Split(' ')[0])
        );

        await ClickHouseTables.Migrations(client).MigrateAsync(Token);
        Assert.Equal(whole, await DescribeAsync(database));
        Assert.Equal(
            [
                [$"{ClickHouseMigration.All.Count}"],
            ],
            await database.ReadAsync("SELECT count() FROM schema_migrations FINAL", Token)
        );

        var statements = ClickHouseMigration.All.SelectMany(migration => migration.StatementsFor(null)).ToList();
        for (var done = 0; done <= statements.Count; done++)
        {
            var (begun, other) = await tables.NewAsync();
            foreach (var statement in statements.Take(done))
                await begun.ExecuteAsync(statement, Token);
            await Task.WhenAll(ClickHouseTables.Migrations(other).MigrateAsync(Token), ClickHouseTables.Migrations(other).MigrateAsync(Token));
            Assert.Equal(whole, await DescribeAsync(begun));
        }
    }

    [Fact]
    public async Task Migrate_TablesOfANewerVersion_AreLeftAsTheyAre()
    {
        var (database, client) = await tables.NewAsync();
        var migrations = ClickHouseTables.Migrations(client);
        await migrations.MigrateAsync(Token);
        await database.ExecuteAsync(
            "INSERT INTO schema_migrations (version, name) VALUES (9999, '9999-later'); ALTER TABLE clicks ADD COLUMN later UInt8",
            Token
        );

        await migrations.MigrateAsync(Token);

        Assert.True(await migrations.CheckAsync(Token));
        Assert.Equal(
            [
                ["1"],
            ],
            await database.ReadAsync("SELECT count() FROM system.columns WHERE database = currentDatabase() AND name = 'later'", Token)
        );
    }

    [Fact]
    public async Task Check_TablesOfAnOlderVersion_IsFalse()
    {
        var (database, client) = await tables.NewAsync();
        var migrations = ClickHouseTables.Migrations(client);
        await migrations.MigrateAsync(Token);
        await database.ExecuteAsync("TRUNCATE TABLE schema_migrations", Token);

        Assert.False(await migrations.CheckAsync(Token));
    }

    [Fact]
    public async Task Migrate_Retention_DeletesOldClicksAndNoOthers()
    {
        var (database, client) = await tables.NewAsync();
        // As many days as the setting allows: no time wraps around.
        await ClickHouseTables.Migrations(client, new ClickOptions { RetentionDays = 36_500 }).MigrateAsync(Token);
        await database.ExecuteAsync("ALTER TABLE clicks MODIFY SETTING merge_with_ttl_timeout = 0", Token);
        // The server's day is not that of UTC: none may be deleted an hour early because of it.
        foreach (var hours in new[] { 0, 8 * 24, (10 * 24) - 1, 12 * 24, 300 * 24 })
        {
            await database.ExecuteAsync(
                $"INSERT INTO click_inserts (short_code, clicked_at, deadline) VALUES ('code', now64(3) - INTERVAL {hours} HOUR, now() + 60)",
                Token
            );
        }

        await database.ExecuteAsync("OPTIMIZE TABLE clicks FINAL", Token);
        Assert.Equal(
            [
                ["5"],
            ],
            await database.ReadAsync("SELECT count() FROM clicks", Token)
        );
        Assert.Contains("36500", await RetentionAsync(database), StringComparison.Ordinal);

        await ClickHouseTables.Migrations(client, new ClickOptions { RetentionDays = 10 }).MigrateAsync(Token);

        await Eventually.HoldsAsync(async () => (await database.ReadAsync("SELECT count() FROM clicks", Token))[0][0] == "3", "old clicks are deleted");
        Assert.Equal(
            [
                ["0"],
            ],
            await database.ReadAsync("SELECT countIf(clicked_at < now() - INTERVAL 10 DAY) FROM clicks", Token)
        );
        // Sums stay with their link.
        Assert.Equal(
            [
                ["5"],
            ],
            await database.ReadAsync("SELECT sum(clicks) FROM clicks_by_day", Token)
        );
        Assert.Equal(
            [
                ["5"],
            ],
            await database.ReadAsync("SELECT sum(clicks) FROM clicks_by_quarter_hour", Token)
        );
        // Nothing changes when nothing differs.
        var mutations = await database.ReadAsync("SELECT count() FROM system.mutations WHERE database = currentDatabase()", Token);
        await ClickHouseTables.Migrations(client, new ClickOptions { RetentionDays = 10 }).MigrateAsync(Token);
        Assert.Equal(mutations, await database.ReadAsync("SELECT count() FROM system.mutations WHERE database = currentDatabase()", Token));
    }

    [Fact]
    public async Task Migrate_ServerThatRefusesOrIsAway_NamesTheSettingAndNotThePassword()
    {
        var (database, _) = await tables.NewAsync();
        var refused = await FailAsync<ConfigurationException>(database.ConnectionString.Replace("Password=", "Password=secret", StringComparison.Ordinal));
        var unknown = await FailAsync<ConfigurationException>(
            database.ConnectionString.Replace($"Database={database.Name}", "Database=missing", StringComparison.Ordinal)
        );
        var away = await FailAsync<InvalidOperationException>("Host=127.0.0.1;Port=1;Username=u;Password=secret;Database=d");

        Assert.Contains("AUTHENTICATION_FAILED", refused, StringComparison.Ordinal);
        Assert.Contains("missing", unknown, StringComparison.Ordinal);
        Assert.Contains("127.0.0.1:1", away, StringComparison.Ordinal);
    }

    [Fact]
    public void StatementsFor_Cluster_MakeReplicatedTablesOnEachServer()
    {
        foreach (var migration in ClickHouseMigration.All)
        {
            var (plain, replicated) = (migration.StatementsFor(null), migration.StatementsFor("analytics"));
            Assert.Equal(plain.Count, replicated.Count);
            Assert.All(
                replicated.Zip(plain),
                pair =>
                {
                    Assert.Contains(" ON CLUSTER 'analytics'", pair.First, StringComparison.Ordinal);
                    Assert.DoesNotContain("ON CLUSTER", pair.Second, StringComparison.Ordinal);
                    Assert.Equal(pair.Second.Contains("MergeTree", StringComparison.Ordinal), pair.First.Contains("Replicated", StringComparison.Ordinal));
                    Assert.DoesNotContain("$", pair.First + pair.Second, StringComparison.Ordinal);
                    Assert.DoesNotContain("non_replicated", pair.First, StringComparison.Ordinal);
                    // Each can run again.
                    Assert.Matches("IF NOT EXISTS|MODIFY SETTING", pair.First);
                }
            );
        }

        Assert.Equal(Enumerable.Range(1, ClickHouseMigration.All.Count), ClickHouseMigration.All.Select(migration => migration.Version));
    }

    private static async Task<string> FailAsync<T>(string connectionString)
        where T : Exception
    {
        using var client = ClickHouseTables.New(connectionString);
        var error = await Assert.ThrowsAsync<T>(() => ClickHouseTables.Migrations(client).MigrateAsync(Token));
        Assert.StartsWith("ConnectionStrings:ClickHouse cannot be used: ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
        return error.Message;
    }

    private static async Task<string> RetentionAsync(TestDatabase database) =>
        (await database.ReadAsync("SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'clicks'", Token))[0][0];

    // All tables and columns, without the name of the database.
    private static async Task<List<string>> DescribeAsync(TestDatabase database) =>
        [
            .. (
                await database.ReadAsync(
                    "SELECT concat(name, ' ', replaceAll(create_table_query, concat(database, '.'), '')) FROM system.tables WHERE database = currentDatabase() ORDER BY name",
                    Token
                )
            ).Select(row => row[0]),
        ];
}
