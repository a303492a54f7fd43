using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.Postgres;
using UrlShortener.Runtime.Tests.Regions;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

public sealed class PostgresDatabaseTests(Servers servers) : IAsyncLifetime
{
    // One database per test: these are about the whole of it.
    private readonly PostgresStores _own = new(servers);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _own.DisposeAsync();

    [Fact]
    public async Task Migrate_ManyProcessesAtOnce_AllSucceed()
    {
        var databases = new List<PostgresProcess>();
        for (var i = 0; i < 4; i++)
            databases.Add(await _own.NewDatabaseAsync());

        await Task.WhenAll(databases.Select(database => Task.Run(database.Migrate, Token)));

        var stores = _own.StoresOf(databases[3]);
        Assert.NotNull(await stores.Users.CreateAsync("ada@example.com", Runtime.Users.Tier.Pro, 1, quota: null, new string('a', 64), Now, Token));
    }

    [Fact]
    public async Task Migrate_Fails_NamesTheScriptAndStandsInNobodysWay()
    {
        var (failing, other) = (await _own.NewDatabaseAsync(), await _own.NewDatabaseAsync());
        await ExecuteAsync("CREATE TABLE urls ()");

        var error = Assert.Throws<InvalidOperationException>(failing.Migrate);
        await ExecuteAsync("DROP TABLE urls");
        await Task.Run(other.Migrate, Token).WaitAsync(TimeSpan.FromSeconds(60), Token);

        Assert.Contains("0001_initial", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_TablesMissing_RefusesToStartAndSaysWhatToDo()
    {
        var database = await _own.NewDatabaseAsync();

        var error = Assert.Throws<InvalidOperationException>(() => database.Prepare(isDevelopment: false));

        Assert.Contains("ConnectionStrings:Postgres", error.Message, StringComparison.Ordinal);
        Assert.Contains("migrate", error.Message, StringComparison.Ordinal);
        Assert.True(database.Prepare(isDevelopment: true));
        Assert.False(database.Prepare(isDevelopment: false));
    }

    [Fact]
    public async Task Prepare_ServerAway_StartsWithoutIt()
    {
        await using var database = PostgresStores.New("Host=127.0.0.1;Port=1;Username=x;Database=x");

        Assert.False(database.Prepare(isDevelopment: false));
        Assert.Contains("ConnectionStrings:Postgres", Assert.Throws<InvalidOperationException>(database.Migrate).Message, StringComparison.Ordinal);
        Assert.Equal(StoreState.Down, await database.CheckAsync(Token));
    }

    [Fact]
    public async Task Check_PrimaryAndReplica_IsHealthy()
    {
        await _own.OpenAsync();
        Assert.Equal(StoreState.Healthy, await (await _own.OpenDatabaseAsync()).CheckAsync(Token));
    }

    [Fact]
    public async Task Check_ReplicaAlone_IsReadOnly()
    {
        var database = await _own.OpenDatabaseAsync();
        var replica = Assert.Single(await _own.Cluster.GetReplicasAsync(Token));
        await using var cut = PostgresStores.New(
            new NpgsqlConnectionStringBuilder(_own.ConnectionString) { Host = $"127.0.0.1:1,{replica.Host}:{replica.Port}" }.ConnectionString
        );
        await _own.Cluster.WaitUntilReplicasCaughtUpAsync(Token);

        Assert.Equal(StoreState.ReadOnly, await cut.CheckAsync(Token));
        Assert.Equal(StoreState.Healthy, await database.CheckAsync(Token));
    }

    [Fact]
    public async Task Partitions_AfterMigration_AreReadyAhead()
    {
        await _own.OpenAsync();
        await using var connection = await ConnectAsync();

        var (urls, clicks) = (PostgresPartitions.Names(connection, "urls"), PostgresPartitions.Names(connection, "click_events"));

        Assert.Equal(5, urls.Count);
        Assert.Equal(9, clicks.Count);
        Assert.Contains($"urls_{Now:yyyy_MM}", urls);
        Assert.Contains($"click_events_{Now:yyyy_MM_dd}", clicks);
    }

    [Fact]
    public async Task Partitions_MadeLater_TakeWhatLiesInTheDefaultOne()
    {
        var stores = await _own.OpenAsync();
        var future = Now.AddMonths(7);
        var user = (await stores.Users.CreateAsync("ada@example.com", Runtime.Users.Tier.Pro, 1, quota: null, new string('a', 64), Now, Token))!;
        // No partition yet: nothing fails.
        var at = DateTimeOffset.FromUnixTimeMilliseconds(future.ToUnixTimeMilliseconds());
        var created = Assert.IsType<CreateLinksResult.Created>(
            await stores.Links.CreateAsync(
                new CreateLinks([new NewLink("later", "https://example.com/", null, 302, "{}")], user.Id, at, () => Key.OnDemand("x")),
                Token
            )
        );
        await using var connection = await ConnectAsync();
        Assert.Equal(1, await CountAsync(connection, "urls_default"));

        Assert.True(PostgresPartitions.Ensure(connection, future, new PostgresOptions()));

        Assert.Equal(0, await CountAsync(connection, "urls_default"));
        Assert.Equal(1, await CountAsync(connection, $"urls_{future:yyyy_MM}"));
        Assert.Equal(created.Links[0], await stores.Links.FindAsync("later", Token));
        Assert.Equal(LinkChangeOutcome.Done, (await stores.Links.DeleteAsync("later", user.Id, Token)).Outcome);
    }

    [Fact]
    public async Task Partitions_EnsuredByManyAtOnce_AreMadeOnce()
    {
        await _own.OpenAsync();
        var later = Now.AddMonths(30);
        var connections = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ConnectAsync()));

        var done = await Task.WhenAll(
            connections.Select(connection => Task.Run(() => PostgresPartitions.Ensure(connection, later, new PostgresOptions()), Token))
        );

        Assert.Contains(true, done);
        Assert.Equal(10, PostgresPartitions.Names(connections[0], "urls").Count);
        foreach (var connection in connections)
            await connection.DisposeAsync();
    }

    [Fact]
    public async Task Retention_DaysGoneBy_AreDroppedWhole()
    {
        var stores = await _own.OpenAsync();
        var day = new DateTimeOffset(Now.UtcDateTime.Date, TimeSpan.Zero);
        await using var connection = await ConnectAsync();
        PostgresPartitions.Ensure(connection, day.AddDays(-40), new PostgresOptions());
        await stores.Clicks.AppendAsync(
            Guid.NewGuid(),
            [Click(day.AddDays(-40)), Click(day.AddDays(-36)), Click(day.AddDays(-35).AddHours(1)), Click(day.AddHours(1)), Click(day.AddDays(-200))],
            Token
        );

        // Yesterday and today of the first round, and the days from 41 to 33 days ago.
        Assert.Equal(6 + 1, await stores.Retention.DeleteBeforeAsync(day.AddDays(-35).AddHours(2), 100, Token));
        Assert.Equal(0, await stores.Retention.DeleteBeforeAsync(day.AddDays(-35).AddHours(2), 100, Token));

        Assert.Equal(2, await CountAsync(connection, "click_events"));
    }

    [Fact]
    public async Task Maintenance_CountsOfLinks_AreFoldedOnce()
    {
        var stores = await _own.OpenAsync();
        var user = (await stores.Users.CreateAsync("ada@example.com", Runtime.Users.Tier.Pro, 1, quota: null, new string('a', 64), Now, Token))!;
        for (var i = 0; i < 5; i++)
            await stores.Links.CreateAsync(
                new CreateLinks([new NewLink(null, "https://example.com/", null, 302, "{}")], user.Id, Now, () => Key.OnDemand(CodeGenerator.Generate())),
                Token
            );
        using var maintenance = new PostgresMaintenance(
            await _own.OpenDatabaseAsync(),
            TestRegions.NewAccess(),
            new PostgresOptions(),
            TimeProvider.System,
            NullLogger<PostgresMaintenance>.Instance
        );
        await using var connection = await ConnectAsync();
        Assert.Equal(5, await CountAsync(connection, "user_link_counts"));

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => maintenance.FoldAsync(Token), Token)));
        await maintenance.FoldAsync(Token);

        Assert.Equal(0, await CountAsync(connection, "user_link_counts"));
        await using var command = new NpgsqlCommand("SELECT urls_created FROM users", connection);
        Assert.Equal(5L, await command.ExecuteScalarAsync(Token));
        Assert.Equal(5, Assert.Single(await stores.Users.ListAsync(Token)).UrlsCreated);
    }

    [Fact]
    public async Task Query_TakesTooLong_IsTheCallersAndNobodyElses()
    {
        await _own.OpenAsync();
        var database = await _own.NewDatabaseAsync(
            new PostgresOptions
            {
                ReadFromReplicas = false,
                MaxConnections = 4,
                MaxLookups = 4,
                QueryTimeout = TimeSpan.FromMilliseconds(300),
            }
        );

        var slow = Enumerable
            .Range(0, 8)
            .Select(_ => database.Database.QueryNewestAsync(1, SleepAsync, Token))
            .Concat(Enumerable.Range(0, 8).Select(_ => database.Database.QueryNearAsync(2, SleepAsync, Token)))
            .ToList();
        // While they hold the connections that they may have.
        Assert.Equal(1, await database.Database.FindAsync(OneAsync, _ => true, Token));
        Assert.Equal(1, await database.Database.WriteAsync("one", OneAsync, Token));
        foreach (var query in slow)
            await Assert.ThrowsAsync<QueryLimitException>(() => query);

        Assert.Equal(1, await database.Database.FindAsync(OneAsync, _ => true, Token));
        Assert.Equal(StoreState.Healthy, await database.CheckAsync(Token));
        // No breaker is open: the next one is tried.
        await Assert.ThrowsAsync<QueryLimitException>(() => database.Database.QueryNewestAsync(1, SleepAsync, Token));

        static Task<int> SleepAsync(NpgsqlConnection connection, CancellationToken token) => ReadAsync("SELECT 1 FROM pg_sleep(60)", connection, token);
        static Task<int> OneAsync(NpgsqlConnection connection, CancellationToken token) => ReadAsync("SELECT 1", connection, token);
        static async Task<int> ReadAsync(string sql, NpgsqlConnection connection, CancellationToken token)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            return (int)(await command.ExecuteScalarAsync(token))!;
        }
    }

    [Fact]
    public async Task Migrate_ClicksOfAnOlderRelease_AreSummedUpAndThoseOfDeletedLinksGo()
    {
        var database = await _own.NewDatabaseAsync(new PostgresOptions { ReadFromReplicas = false });
        database.Migrate();
        var stores = _own.StoresOf(database);
        // As the release before left it.
        await ExecuteAsync(
            """
            DROP TRIGGER roll_up_clicks ON click_events; DROP FUNCTION roll_up_clicks; DROP TABLE click_days, click_hours, click_day_values, deleted_links;
            ALTER TABLE users DROP COLUMN deleted_at; ALTER TABLE idempotency_keys DROP COLUMN user_id;
            DELETE FROM schemaversions WHERE scriptname LIKE '%0002%' OR scriptname LIKE '%0009%' OR scriptname LIKE '%0011%'
            """
        );
        var today = new DateTimeOffset(Now.UtcDateTime.Date, TimeSpan.Zero);
        await ExecuteAsync(
            "INSERT INTO kgs_keys (short_code, is_used, used_at, batch_id) VALUES ('kept', true, now(), 0); INSERT INTO urls (short_code, "
                + "original_url, created_at) SELECT short_code, 'https://example.com/', used_at FROM kgs_keys"
        );
        for (var day = -5; day <= 0; day++)
        {
            foreach (var code in new[] { "kept", "gone" })
            {
                await ExecuteAsync(
                    $"""
                    INSERT INTO click_events (short_code, clicked_at, ip_hash, device, is_bot, country)
                    SELECT '{code}', '{today.AddDays(
                        day
                    ):yyyy-MM-dd HH:mm:ss}+00'::timestamptz + i * interval '1 minute', (i % 7)::text || '{day}', i % 4, i % 10 = 0, 'DE' FROM generate_series(0, 99) i
                    """
                );
            }
        }

        database.Migrate();

        var totals = await stores.Statistics.ReadTotalsAsync("kept", today.AddDays(-5), today.AddDays(1), 1, Token);
        Assert.Equal((540, 42, 60), (totals.Clicks, totals.Visitors, totals.Bots));
        Assert.Equal(KeyValuePair.Create<string?, long>("DE", 540), Assert.Single(totals.Countries));
        Assert.Equal(6 * 7, totals.Quarters.Count);
        while (await stores.Retention.DeleteOfDeletedLinksAsync(100, Token) > 0)
            Token.ThrowIfCancellationRequested();
        await using var connection = await ConnectAsync();
        Assert.Equal(600, await CountAsync(connection, "click_events"));
        Assert.Equal(6, await CountAsync(connection, "click_days"));
    }

    [Fact]
    public async Task Migrate_LinksOfAnOlderRelease_AreCountedForTheirUsers()
    {
        var database = await _own.NewDatabaseAsync(new PostgresOptions { ReadFromReplicas = false });
        database.Migrate();
        var stores = _own.StoresOf(database);
        var user = (await stores.Users.CreateAsync("ada@example.com", Runtime.Users.Tier.Pro, 1, quota: null, new string('a', 64), Now, Token))!;
        var reply = new StoredReply(201, "/x", [1, 2, 3]);
        var idempotency = new Idempotency("key", "hash", Now.AddDays(1), _ => reply);
        Task<CreateLinksResult> CreateAsync(long? owner, Idempotency? idempotency) =>
            stores.Links.CreateAsync(
                new CreateLinks(
                    [.. Enumerable.Range(0, 20).Select(_ => new NewLink(null, "https://example.com/ä", null, 302, """{"a":1}"""))],
                    owner,
                    Now,
                    () => Key.OnDemand(CodeGenerator.Generate()),
                    idempotency
                ),
                Token
            );
        var created = Assert.IsType<CreateLinksResult.Created>(await CreateAsync(user.Id, idempotency));
        await CreateAsync(null, null);
        // As the release before left it.
        await ExecuteAsync(
            """
            DROP FUNCTION count_link_bytes, count_reply_bytes CASCADE; DROP FUNCTION link_bytes, reply_bytes; DROP TABLE user_byte_counts;
            ALTER TABLE users DROP COLUMN stored_bytes, DROP COLUMN quota_bytes;
            DELETE FROM schemaversions WHERE scriptname LIKE '%0005%'
            """
        );

        database.Migrate();

        Assert.Equal(created.Links.Sum(link => StoredSize.Of(link!)) + StoredSize.Of(reply), (await stores.Users.ReadStorageAsync(user.Id, Token)).Bytes);
        foreach (var link in created.Links)
            await stores.Links.DeleteAsync(link!.ShortCode, user.Id, Token);
        Assert.Equal(StoredSize.Of(reply), (await stores.Users.ReadStorageAsync(user.Id, Token)).Bytes);
    }

    private static StoredClick Click(DateTimeOffset at) => new("abcd", at, null, null, null, default, null, null, DeviceClass.Desktop, IsBot: false);

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Token);
    }

    private async Task<NpgsqlConnection> ConnectAsync()
    {
        var connection = new NpgsqlConnection($"{_own.ConnectionString};Target Session Attributes=primary");
        await connection.OpenAsync(Token);
        return connection;
    }

    private static async Task<long> CountAsync(NpgsqlConnection connection, string table)
    {
        await using var command = new NpgsqlCommand($"SELECT count(*) FROM {table}", connection);
        return (long)(await command.ExecuteScalarAsync(Token))!;
    }
}
