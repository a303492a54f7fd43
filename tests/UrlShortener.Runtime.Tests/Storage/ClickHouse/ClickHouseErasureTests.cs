using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Retention;
using UrlShortener.Runtime.Storage.ClickHouse;
using UrlShortener.Runtime.Storage.Postgres;
using UrlShortener.Runtime.Tests.Storage.Postgres;
using UrlShortener.Runtime.Users;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.ClickHouse;

/// <summary>A database of each kind, whose deleted links are those of this class alone.</summary>
public sealed class ClickHouseErasureTests(ClickHouseTables tables, PostgresStores stores)
    : StoreContract,
        IClassFixture<ClickHouseTables>,
        IClassFixture<PostgresStores>
{
    private ClickHouseErasure? _erasure;
    private ClickHouseDatabase? _database;
    private ClickHouseSink? _sink;

    [Fact]
    public async Task EraseDue_DeletedLink_LeavesNothingOfItAndAllOfOthers()
    {
        var user = await NewUserAsync();
        var (link, other) = (await CreateOneAsync(user.Id), await CreateOneAsync(user.Id));
        foreach (var days in new[] { 0, 1, 40 })
            await _sink!.AppendAsync(Guid.NewGuid(), [.. new[] { link, other }.SelectMany(clicked => ClicksOf(clicked, Now.AddDays(-days)))], Token);
        var ofOther = await CountAsync(other.ShortCode);
        Assert.Equal(ofOther, await CountAsync(link.ShortCode));
        Assert.Equal(0, await _erasure!.EraseDueAsync(Token));

        await Links.DeleteAsync(link.ShortCode, user.Id, Token);
        Assert.Equal(1, await _erasure.EraseDueAsync(Token));
        Assert.Equal(0, await _erasure.EraseDueAsync(Token));

        Assert.Equal(0, await CountAsync(link.ShortCode));
        Assert.Equal(TimeSpan.Zero, await _erasure.ReadDelayAsync(Token));
        Assert.Equal(ofOther, await CountAsync(other.ShortCode));

        // A click that was under way when the link was deleted. Everything is looked at once more a quarter of an hour later.
        await _sink!.AppendAsync(Guid.NewGuid(), ClicksOf(link, Now), Token);
        await stores.ExecuteAsync(
            "UPDATE deleted_links SET deleted_at = deleted_at - interval '16 minutes', analytics_due_at = analytics_due_at - interval '16 minutes'"
        );
        Assert.True(await _erasure.ReadDelayAsync(Token) > TimeSpan.FromSeconds(30));
        Assert.Equal(1, await _erasure.EraseDueAsync(Token));
        Assert.Equal(0, await CountAsync(link.ShortCode));
        Assert.Equal(TimeSpan.Zero, await _erasure.ReadDelayAsync(Token));

        // A restored ClickHouse has erased clicks again. By this statement they go once more.
        await _sink!.AppendAsync(Guid.NewGuid(), ClicksOf(link, Now), Token);
        Assert.Equal(0, await _erasure.EraseDueAsync(Token));
        await stores.ExecuteAsync("UPDATE deleted_links SET analytics_due_at = now()");
        Assert.NotEqual(0, await _erasure.EraseDueAsync(Token));
        Assert.Equal(0, await CountAsync(link.ShortCode));

        // What is hidden goes from the disk.
        Assert.True(await HiddenAsync() > 0);
        await _erasure.PurgeAsync(TimeSpan.FromDays(1), Token);
        Assert.True(await HiddenAsync() > 0);
        await _erasure.PurgeAsync(TimeSpan.Zero, Token);
        await Eventually.HoldsAsync(async () => await HiddenAsync() == 0, "no part has hidden rows");
        Assert.Equal(ofOther, await CountAsync(other.ShortCode));
    }

    [Fact]
    public async Task EraseDue_ClickHouseIsAway_KeepsTheLinkDue()
    {
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);
        await Links.DeleteAsync(link.ShortCode, user.Id, Token);
        using var away = ClickHouseTables.New("Host=127.0.0.1;Port=1;Username=u;Password=secret;Database=d", new ClickHouseOptions());
        var erasure = new ClickHouseErasure(await DueAsync(), away, TimeProvider.System);

        var error = await Assert.ThrowsAsync<DependencyException>(() => erasure.EraseDueAsync(Token));

        Assert.Contains("could not be erased from ClickHouse", error.Message, StringComparison.Ordinal);
        // Taken for some minutes.
        Assert.Equal(0, await _erasure!.EraseDueAsync(Token));
        await stores.ExecuteAsync($"UPDATE deleted_links SET analytics_due_at = analytics_due_at - interval '6 minutes' WHERE short_code = '{link.ShortCode}'");
        Assert.Equal(1, await _erasure.EraseDueAsync(Token));
    }

    [Fact]
    public async Task UserDeletion_OtherProcessHasTakenTheLinks_FailsOrErases()
    {
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);
        await _sink!.AppendAsync(Guid.NewGuid(), ClicksOf(link, Now), Token);
        await Links.DeleteAsync(link.ShortCode, user.Id, Token);
        // By a process that then failed.
        Assert.Contains(link.ShortCode, await (await DueAsync()).TakeAsync(500, Token));
        using var away = ClickHouseTables.New("Host=127.0.0.1;Port=1;Username=u;Password=secret;Database=d", new ClickHouseOptions());

        var error = await Assert.ThrowsAsync<DependencyException>(async () =>
            await DeleteAsync(new ClickHouseErasure(await DueAsync(), away, TimeProvider.System))
        );
        Assert.Contains("could not be erased from ClickHouse", error.Message, StringComparison.Ordinal);
        Assert.NotEqual(0, await CountAsync(link.ShortCode));
        // So that the command can be repeated.
        Assert.True((await Stores.Users.FindDoomedAsync(user.Email, Token))?.IsBegun);

        await DeleteAsync(_erasure!);
        Assert.Equal(0, await CountAsync(link.ShortCode));
        Assert.Null(await Stores.Users.FindDoomedAsync(user.Email, Token));
        // The second look stays to be taken.
        Assert.Equal(0, await _erasure!.EraseOfUserAsync(user.Id, Token));
        await stores.ExecuteAsync(
            "UPDATE deleted_links SET deleted_at = deleted_at - interval '16 minutes', analytics_due_at = analytics_due_at - interval '16 minutes' "
                + $"WHERE short_code = '{link.ShortCode}'"
        );
        Assert.Equal([link.ShortCode], await (await DueAsync()).TakeAsync(500, Token));
        await (await DueAsync()).NoteDoneAsync([link.ShortCode], Token);

        Task<UserDeletionCounts> DeleteAsync(ClickHouseErasure erasure) => DeleteUserAsync(user.Id, erasure);
    }

    [Fact]
    public async Task UserDeletion_DeletionOfOtherUserIsStuck_Erases()
    {
        var (user, other) = (await NewUserAsync(), await NewUserAsync());
        var (link, stuck) = (await CreateOneAsync(user.Id), await CreateOneAsync(other.Id));
        await _sink!.AppendAsync(Guid.NewGuid(), ClicksOf(link, Now), Token);
        await _sink!.AppendAsync(Guid.NewGuid(), ClicksOf(stuck, Now.AddDays(-3)), Token);
        await Links.DeleteAsync(stuck.ShortCode, other.Id, Token);
        // As on a part that is damaged: it fails again and again where the rows are.
        await _database!.ExecuteAsync($"ALTER TABLE clicks DELETE WHERE throwIf(short_code = '{stuck.ShortCode}') SETTINGS mutations_sync = 0", Token);
        try
        {
            await DeleteUserAsync(user.Id, _erasure!);

            Assert.Equal(0, await CountAsync(link.ShortCode));
            Assert.NotEqual(0, await CountAsync(stuck.ShortCode));
            // What is stuck is due for the workers.
            await stores.ExecuteAsync($"UPDATE deleted_links SET analytics_due_at = now() - interval '1 hour' WHERE short_code = '{stuck.ShortCode}'");
            Assert.Equal([stuck.ShortCode], await (await DueAsync()).TakeAsync(500, Token));
        }
        finally
        {
            await _database.ExecuteAsync("KILL MUTATION WHERE database = currentDatabase() AND NOT is_done", Token);
        }
    }

    private Task<UserDeletionCounts> DeleteUserAsync(long userId, ClickHouseErasure erasure) =>
        new UserDeletion(Stores.Users, Links, Stores.Retention, TimeProvider.System, erasure).RunAsync(
            new DoomedUser(userId, 0, IsBegun: false),
            _ => { },
            Token
        );

    private protected override async ValueTask<Stores> OpenAsync()
    {
        var ofStore = await stores.OpenAsync();
        // Those of the tests before, in whatever order they ran.
        await stores.ExecuteAsync("UPDATE deleted_links SET analytics_due_at = NULL");
        _database = await tables.OpenAsync();
        _erasure = new ClickHouseErasure(await DueAsync(), _database, TimeProvider.System);
        _sink = new ClickHouseSink(_database);
        return ofStore;
    }

    private static StoredClick[] ClicksOf(Link link, DateTimeOffset at) =>
        [
            .. Enumerable
                .Range(0, 20)
                .Select(i => new StoredClick(
                    link.ShortCode,
                    at.AddMinutes(-i),
                    null,
                    "a.example",
                    "Mozilla/5.0",
                    NewVisitor(),
                    "DE",
                    null,
                    DeviceClass.Mobile,
                    IsBot: i % 7 == 0
                )),
        ];

    private async Task<PostgresDueErasures> DueAsync() => new(await stores.OpenDatabaseAsync());

    private async Task<long> CountAsync(string code)
    {
        var rows = await _database!.ReadAsync(
            "SELECT (SELECT count() FROM clicks WHERE short_code = {code:String}) + (SELECT count() FROM clicks_by_quarter_hour WHERE short_code = {code:String}) "
                + "+ (SELECT count() FROM clicks_by_day WHERE short_code = {code:String})",
            row => Convert.ToInt64(row.GetValue(0), null),
            Token,
            ("code", code)
        );
        return rows.Single();
    }

    private async Task<long> HiddenAsync()
    {
        var rows = await _database!.ReadAsync(
            "SELECT count() FROM system.parts WHERE database = currentDatabase() AND active AND has_lightweight_delete",
            row => Convert.ToInt64(row.GetValue(0), null),
            Token
        );
        return rows.Single();
    }
}
