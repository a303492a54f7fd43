using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.Postgres;
using UrlShortener.Runtime.Users;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

/// <summary>The region us, which has only a replica; the region eu writes.</summary>
public sealed class StandbyRegionTests(Servers servers) : IAsyncLifetime
{
    private readonly PostgresStores _eu = new(servers);
    private PostgresProcess? _us;
    private string _replica = "";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private PostgresProcess Us => _us!;

    public async ValueTask InitializeAsync()
    {
        await _eu.OpenAsync();
        var replica = Assert.Single(await _eu.Cluster.GetReplicasAsync(Token));
        _replica = new NpgsqlConnectionStringBuilder(_eu.ConnectionString) { Host = $"{replica.Host}:{replica.Port}" }.ConnectionString;
        _us = PostgresStores.New(_replica, region: "us");
        await WriteRowAsync("eu");
    }

    public async ValueTask DisposeAsync()
    {
        if (_us is not null)
            await _us.DisposeAsync();
        await _eu.DisposeAsync();
    }

    // With one member, and with several of which one is away.
    [Theory]
    [InlineData("")]
    [InlineData("127.0.0.1:1,")]
    public async Task Prepare_OnlyAReplica_IsReadyAndReadsWhatIsThere(string others)
    {
        await using var us = PostgresStores.New(
            new NpgsqlConnectionStringBuilder(_replica) { Host = others + new NpgsqlConnectionStringBuilder(_replica).Host }.ConnectionString,
            region: "us"
        );
        var eu = await _eu.OpenAsync();
        var user = (await eu.Users.CreateAsync("ada@example.com", Tier.Pro, 1, quota: null, new string('a', 64), Now(), Token))!;
        await CreateAsync(eu.Links, "spring", user);

        // Whether or not a start migrates.
        Assert.False(us.Prepare(isDevelopment: false));
        Assert.False(us.Prepare(isDevelopment: true));

        Assert.True(us.Access.IsStandby);
        Assert.Equal(("eu", 7L), (us.Access.ReadOnly!.Writer, us.Access.ReadOnly.Epoch));
        Assert.Equal(StoreState.Healthy, await us.CheckAsync(Token));
        var stores = _eu.StoresOf(us);
        Assert.Equal("https://example.com/", (await stores.Links.FindTargetAsync("spring", default, Token))!.OriginalUrl);
        // An unknown code, and a state that the replica does not have, are answers and no outage.
        Assert.Null(await stores.Links.FindTargetAsync("unknown", default, Token));
        Assert.NotNull(await stores.Links.FindTargetAsync("spring", new StateVersion(0, 9), Token));
        Assert.Equal("spring", (await stores.Links.FindAsync("spring", Token))!.ShortCode);
        Assert.Equal("spring", Assert.Single((await stores.Links.ListAsync(new LinkQuery(user.Id, 10, null, null, null, [], null), Token)).Links).ShortCode);
        Assert.Equal(user.Id, (await stores.Users.FindByKeyHashAsync(new string('a', 64), Token))!.Id);
        Assert.Null(await stores.Users.FindByKeyHashAsync(new string('b', 64), Token));
        Assert.Single(await stores.Users.ListAsync(Token));
        Assert.Equal(SchemaState.Current, (await new PostgresSchema(us).ReadAsync(Token)).State);
    }

    [Fact]
    public async Task Write_OnlyAReplica_IsRefusedAtOnceAndSaysWhichRegionWrites()
    {
        Us.Prepare(isDevelopment: false);
        var us = _eu.StoresOf(Us);

        var error = await Assert.ThrowsAsync<ReadOnlyRegionException>(() =>
            us.Users.CreateAsync("ada@example.com", Tier.Pro, 1, quota: null, new string('a', 64), Now(), Token)
        );

        Assert.Contains("the region eu does", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ReadOnlyRegionException>(() => CreateAsync(us.Links, "autumn", null));
        // A refusal says nothing about the server.
        Assert.False(Us.Database.LastWrite.HasFailed);
        Assert.Equal(StoreState.Healthy, await Us.CheckAsync(Token));
    }

    [Fact]
    public async Task ChangeLog_OnlyAReplica_SaysHowFarItIsBehind()
    {
        Us.Prepare(isDevelopment: false);
        await _eu.ExecuteAsync("UPDATE write_region SET beat_at = clock_timestamp() - interval '90 seconds'");

        var read = await ((ILinkChangeLog)_eu.StoresOf(Us).Links).ReadAsync(TimeSpan.FromMinutes(1), Token);

        Assert.InRange(read.Behind, TimeSpan.FromSeconds(90), TimeSpan.FromHours(1));
        Assert.Equal(TimeSpan.Zero, (await ((ILinkChangeLog)(await _eu.OpenAsync()).Links).ReadAsync(TimeSpan.FromMinutes(1), Token)).Behind);
    }

    [Fact]
    public async Task Migrate_OnlyAReplica_WaitsForTheTablesAndChangesNothing()
    {
        Us.Migrate();
        await _eu.ExecuteAsync(
            "CREATE TABLE kept AS SELECT * FROM schemaversions WHERE scriptname LIKE '%0007%'; DELETE FROM schemaversions WHERE scriptname LIKE '%0007%'"
        );

        var behind = Assert.Throws<InvalidOperationException>(() => Us.Migrate(TimeSpan.Zero));
        var start = Assert.Throws<InvalidOperationException>(() => Us.Prepare(isDevelopment: true));
        var waiting = Task.Run(Us.Migrate, Token);
        await _eu.ExecuteAsync("INSERT INTO schemaversions SELECT * FROM kept");
        await waiting;

        foreach (var error in new[] { behind, start })
            Assert.Contains(
                "by 1 migrations. This region takes no changes; they come by replication once the region eu is migrated.",
                error.Message,
                StringComparison.Ordinal
            );
        Assert.StartsWith(SchemaState.BehindAtStart, start.Message, StringComparison.Ordinal);
        Assert.False(Us.Prepare(isDevelopment: true));
    }

    [Fact]
    public async Task ConnectionFile_ChangesWhereThereIsNoPrimary_IsUsed()
    {
        var folder = Directory.CreateTempSubdirectory("standby");
        try
        {
            var path = Path.Combine(folder.FullName, "connectionString");
            await File.WriteAllTextAsync(path, Named("former"), Token);
            await using var us = new PostgresProcess(
                new ConnectionOptions { Postgres = Named("former"), PostgresPath = path },
                new PostgresOptions(),
                new RememberedNames(TimeProvider.System, NullLogger<RememberedNames>.Instance),
                "us"
            );
            us.Prepare(isDevelopment: false);
            Assert.Equal("former", await WhoAsync(us));

            await File.WriteAllTextAsync($"{path}.new", Named("next"), Token);
            File.Move($"{path}.new", path, overwrite: true);

            await Eventually.ReadAsync(() => WhoAsync(us), name => name == "next", "the new connection string is used");
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        string Named(string name) => new NpgsqlConnectionStringBuilder(_replica) { ApplicationName = name }.ConnectionString;
    }

    [Fact]
    public async Task Look_RowAppearsMovesAndGoes_IsNoticed()
    {
        await _eu.ExecuteAsync("DELETE FROM write_region");
        Assert.True(await Us.WriteRegion.LookAsync(Token));
        Assert.Null(Us.Access.ReadOnly);

        // The database of this region is being replaced by another one of the region itself.
        await WriteRowAsync("us");
        Assert.True(await Us.WriteRegion.LookAsync(Token));
        Assert.Null(Us.Access.ReadOnly);

        await WriteRowAsync("ap");
        Assert.True(await Us.WriteRegion.LookAsync(Token));
        Assert.Equal("ap", Us.Access.ReadOnly!.Writer);

        await _eu.ExecuteAsync("DROP TABLE write_region");
        // The first look finds out that the table is gone.
        await Eventually.ReadAsync(() => Us.WriteRegion.LookAsync(Token), isKnown => isKnown && Us.Access.ReadOnly is null, "the table is gone");
    }

    [Fact]
    public async Task Look_PrimaryThatTakesWrites_IsNoReadOnlyRegionWhateverTheRowSays()
    {
        await using var eu = PostgresStores.New(_eu.ConnectionString, region: "ap");

        Assert.True(await eu.WriteRegion.LookAsync(Token));

        Assert.Null(eu.Access.ReadOnly);
    }

    private static Task<string> WhoAsync(PostgresProcess process) =>
        process.Database.ReadNearAsync(
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand("SHOW application_name", connection);
                return (string)(await command.ExecuteScalarAsync(token))!;
            },
            Token
        );

    private static DateTimeOffset Now() => DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());

    private static Task<CreateLinksResult> CreateAsync(ILinkStore links, string alias, User? user) =>
        links.CreateAsync(
            new CreateLinks([new NewLink(alias, "https://example.com/", null, 302, "{}")], user?.Id, Now(), () => Key.OnDemand(CodeGenerator.Generate())),
            Token
        );

    // As the guard of the writing region's database does.
    private Task WriteRowAsync(string region) =>
        _eu.ExecuteAsync(
            $"""
            INSERT INTO write_region (region, epoch, beat_at) VALUES ('{region}', 7, clock_timestamp())
            ON CONFLICT (is_only) DO UPDATE SET region = excluded.region, epoch = excluded.epoch, beat_at = excluded.beat_at
            """
        );
}
