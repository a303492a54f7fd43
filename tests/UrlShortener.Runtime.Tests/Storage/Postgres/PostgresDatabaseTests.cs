using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Storage;
using UrlShortener.Runtime.Storage.Postgres;
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
        var databases = new List<PostgresDatabase>();
        for (var i = 0; i < 4; i++)
            databases.Add(await _own.NewDatabaseAsync());

        await Task.WhenAll(databases.Select(database => Task.Run(database.Migrate, Token)));

        var stores = _own.StoresOf(databases[3]);
        Assert.NotNull(await stores.Users.CreateAsync("ada@example.com", Runtime.Users.Tier.Pro, 1, new string('a', 64), Now, Token));
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
        await using var cut = PostgresStores.New(new NpgsqlConnectionStringBuilder(_own.ConnectionString) { Host = $"127.0.0.1:1,{replica.Host}:{replica.Port}" }.ConnectionString);
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
        var user = (await stores.Users.CreateAsync("ada@example.com", Runtime.Users.Tier.Pro, 1, new string('a', 64), Now, Token))!;
        // No partition yet: nothing fails.
        var at = DateTimeOffset.FromUnixTimeMilliseconds(future.ToUnixTimeMilliseconds());
        var created = Assert.IsType<CreateLinksResult.Created>(await stores.Links.CreateAsync(
            new CreateLinks([new NewLink("later", "https://example.com/", null, 302, "{}")], user.Id, at, () => Key.OnDemand("x")), Token));
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

        var done = await Task.WhenAll(connections.Select(connection => Task.Run(() => PostgresPartitions.Ensure(connection, later, new PostgresOptions()), Token)));

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
        await stores.Clicks.AppendAsync(Guid.NewGuid(), [Click(day.AddDays(-40)), Click(day.AddDays(-36)), Click(day.AddDays(-35).AddHours(1)), Click(day.AddHours(1)), Click(day.AddDays(-200))], Token);

        // Yesterday and today of the first round, and the days from 41 to 33 days ago.
        Assert.Equal(6 + 1, await stores.Clicks.DeleteBeforeAsync(day.AddDays(-35).AddHours(2), 100, Token));
        Assert.Equal(0, await stores.Clicks.DeleteBeforeAsync(day.AddDays(-35).AddHours(2), 100, Token));

        Assert.Equal(2, await CountAsync(connection, "click_events"));
    }

    [Fact]
    public async Task Maintenance_CountsOfLinks_AreFoldedOnce()
    {
        var stores = await _own.OpenAsync();
        var user = (await stores.Users.CreateAsync("ada@example.com", Runtime.Users.Tier.Pro, 1, new string('a', 64), Now, Token))!;
        for (var i = 0; i < 5; i++)
            await stores.Links.CreateAsync(new CreateLinks([new NewLink(null, "https://example.com/", null, 302, "{}")], user.Id, Now, () => Key.OnDemand(KeyGenerator.Generate())), Token);
        using var maintenance = new PostgresMaintenance(await _own.OpenDatabaseAsync(), new PostgresOptions(), TimeProvider.System, NullLogger<PostgresMaintenance>.Instance);
        await using var connection = await ConnectAsync();
        Assert.Equal(5, await CountAsync(connection, "user_link_counts"));

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => maintenance.FoldAsync(Token), Token)));
        await maintenance.FoldAsync(Token);

        Assert.Equal(0, await CountAsync(connection, "user_link_counts"));
        await using var command = new NpgsqlCommand("SELECT urls_created FROM users", connection);
        Assert.Equal(5L, await command.ExecuteScalarAsync(Token));
        Assert.Equal(5, Assert.Single(await stores.Users.ListAsync(Token)).UrlsCreated);
    }

    private static StoredClick Click(DateTimeOffset at) => new("abcd", at, null, null, null, "", null, null, DeviceClass.Desktop, IsBot: false);

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
