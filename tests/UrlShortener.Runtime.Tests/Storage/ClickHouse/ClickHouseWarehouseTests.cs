using System.Globalization;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Events;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.ClickHouse;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.ClickHouse;

public sealed class ClickHouseWarehouseTests(ClickHouseTables tables) : IClassFixture<ClickHouseTables>
{
    private static readonly Guid Topic = Guid.Parse("11111111-2222-4333-8444-555555555555");

    private readonly string _code = Guid.NewGuid().ToString("N");
    private readonly Guid _random = Guid.NewGuid();

    private static DateTimeOffset Later => TimeProvider.System.GetUtcNow().AddMinutes(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Insert_SamePieceAgain_IsStoredOnceInEachTable()
    {
        var database = await tables.OpenAsync();
        var warehouse = new ClickHouseWarehouse(database);
        var (first, second) = (Guid.NewGuid(), Guid.NewGuid());

        await warehouse.InsertAsync(first, NewClicks(0, 100), Later, Token);
        await warehouse.InsertAsync(first, NewClicks(0, 100), Later, Token);
        await warehouse.InsertAsync(second, NewClicks(100, 50), Later, Token);

        Assert.Equal((150, 150, 150), await CountAsync(database));
    }

    // As after a server that died while it passed rows on.
    [Fact]
    public async Task Insert_PieceThatReachedOneTable_AddsTheOthers()
    {
        var (server, database) = await tables.NewAsync();
        await ClickHouseTables.Migrations(database).MigrateAsync(Token);
        var warehouse = new ClickHouseWarehouse(database);
        var piece = Guid.NewGuid();
        await server.ExecuteAsync("DETACH TABLE click_inserts_to_days", Token);
        await warehouse.InsertAsync(piece, NewClicks(0, 100), Later, Token);
        Assert.Equal((100, 100, 0), await CountAsync(database));
        await server.ExecuteAsync("ATTACH TABLE click_inserts_to_days", Token);

        await warehouse.InsertAsync(piece, NewClicks(0, 100), Later, Token);

        Assert.Equal((100, 100, 100), await CountAsync(database));
    }

    [Fact]
    public async Task Insert_NoRowIsStored_Fails()
    {
        var (server, database) = await tables.NewAsync();
        await ClickHouseTables.Migrations(database).MigrateAsync(Token);
        // As when the deadline has passed: the rows arrive, and no view passes them on.
        await server.ExecuteAsync(
            "DETACH TABLE click_inserts_to_clicks; DETACH TABLE click_inserts_to_quarter_hours; DETACH TABLE click_inserts_to_days",
            Token
        );

        var error = await Assert.ThrowsAsync<DependencyException>(() =>
            new ClickHouseWarehouse(database).InsertAsync(Guid.NewGuid(), NewClicks(0, 3), Later, Token)
        );

        Assert.Contains("0 of 3", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Insert_AfterItsDeadline_AddsNothing()
    {
        var (server, database) = await tables.NewAsync();
        await ClickHouseTables.Migrations(database).MigrateAsync(Token);

        await server.ExecuteAsync("INSERT INTO click_inserts (short_code, clicked_at, deadline) VALUES ('late', now(), now() - 1)", Token);
        await server.ExecuteAsync("INSERT INTO click_inserts (short_code, clicked_at, deadline) VALUES ('early', now(), now() + 60)", Token);

        Assert.Equal(
            [
                ["early"],
            ],
            await server.ReadAsync("SELECT short_code FROM clicks", Token)
        );
        Assert.Equal(
            [
                ["early"],
            ],
            await server.ReadAsync("SELECT short_code FROM clicks_by_day", Token)
        );
        Assert.Equal(
            [
                ["early"],
            ],
            await server.ReadAsync("SELECT short_code FROM clicks_by_quarter_hour", Token)
        );
    }

    [Fact]
    public async Task ReadTime_IsThatOfTheServer()
    {
        var warehouse = new ClickHouseWarehouse(await tables.OpenAsync());

        var now = await warehouse.ReadTimeAsync(Token);

        Assert.InRange((TimeProvider.System.GetUtcNow() - now).TotalMinutes, -1, 60);
        await Assert.ThrowsAsync<DependencyException>(() => warehouse.InsertAsync(Guid.NewGuid(), NewClicks(0, 3), now.AddSeconds(-1), Token));
    }

    [Fact]
    public async Task Insert_AllThatAClickHas_IsStored()
    {
        var database = await tables.OpenAsync();
        var click = new StoredClick(
            _code,
            new DateTimeOffset(2026, 11, 30, 8, 26, 5, 7, TimeSpan.Zero),
            "https://news.example/zürich",
            "news.example",
            "Mozilla/5.0 \"quoted\" \u0007 \U0001F600",
            new AddressHash(255, 1, 2, 3),
            "CH",
            "Zürich",
            DeviceClass.Tablet,
            IsBot: true
        );
        var id = ClickEvent.IdOf(_random, 0, click.At);

        await new ClickHouseWarehouse(database).InsertAsync(
            Guid.NewGuid(),
            [new NewClick(new IncomingEvent(0, id, click, null), "news.example")],
            Later,
            Token
        );

        var rows = await database.ReadAsync(
            "SELECT toString(clicked_at), toString(id), referrer, source, user_agent, toString(visitor), country, city, toString(device), toString(is_bot) "
                + "FROM clicks WHERE short_code = {code:String}",
            row => Enumerable.Range(0, 10).Select(row.GetString).ToList(),
            Token,
            ("code", _code)
        );
        Assert.Equal(
            ["2026-11-30 08:26:05.007", id.ToString(), click.Referrer, click.Source, click.UserAgent, "255", "CH", "Zürich", "tablet", "true"],
            Assert.Single(rows)
        );
    }

    [Fact]
    public async Task FindLoaded_EventsThatWereNoted_AreFoundWithTheirPlaces()
    {
        var database = await tables.OpenAsync();
        var warehouse = new ClickHouseWarehouse(database);
        var clicks = NewClicks(1_000, 12_000);
        var (loaded, others) = (clicks[..11_000], clicks[11_000..]);

        await warehouse.NoteLoadedAsync(new EventBatch(Topic, 3, 1_000, 12_000, []), loaded, Token);
        var found = await warehouse.FindLoadedAsync([.. clicks.Select(click => click.Event), LoadedPoison()], Token);

        Assert.All(loaded, click => Assert.Equal(new LoadedFrom(Topic, 3, click.Event.Offset), found[click.Event.Id]));
        Assert.All(others, click => Assert.False(found.ContainsKey(click.Event.Id)));
        Assert.Empty(await warehouse.FindLoadedAsync([LoadedPoison()], Token));
    }

    // A producer may make ids that differ in their second half only.
    [Fact]
    public async Task FindLoaded_ManyEventsShareHalfOfTheirId_FindsThoseThatWereAskedFor()
    {
        var warehouse = new ClickHouseWarehouse(await tables.OpenAsync());
        var clicks = NewClicks(0, 256);

        await warehouse.NoteLoadedAsync(new EventBatch(Topic, 3, 0, 256, []), clicks, Token);
        var found = await warehouse.FindLoadedAsync([.. clicks[..3].Select(click => click.Event)], Token);

        Assert.Equal(clicks[..3].Select(click => click.Event.Id).Order(), found.Keys.Order());
    }

    // The server bounds the length of a query, and a batch may have more events than fit into one.
    [Fact]
    public async Task FindLoaded_MoreThanFitIntoAQuery_FindsThoseThatWereNoted()
    {
        var warehouse = new ClickHouseWarehouse(await tables.OpenAsync());
        var clicks = NewClicks(0, 60_000);
        NewClick[] loaded = [clicks[0], clicks[49_999], clicks[50_000], clicks[^1]];

        await warehouse.NoteLoadedAsync(new EventBatch(Topic, 3, 0, 60_000, []), loaded, Token);
        var found = await warehouse.FindLoadedAsync([.. clicks.Select(click => click.Event)], Token);

        Assert.Equal(loaded.Select(click => click.Event.Id).Order(), found.Keys.Order());
    }

    private static IncomingEvent LoadedPoison() => new(0, Guid.Empty, default, new RejectedRecord(ClickEventReader.NotJson, []));

    private NewClick[] NewClicks(int first, int count)
    {
        var at = TimeProvider.System.GetUtcNow();
        return
        [
            .. Enumerable
                .Range(first, count)
                .Select(i => new StoredClick(_code, at, null, null, null, default, null, null, DeviceClass.Desktop, IsBot: i % 2 == 0))
                .Select((click, i) => new NewClick(new IncomingEvent(first + i, ClickEvent.IdOf(_random, first + i, click.At), click, null), null)),
        ];
    }

    private async Task<(long Clicks, long Quarters, long Days)> CountAsync(ClickHouseDatabase database)
    {
        var counts = new List<long>();
        foreach (
            var sql in new[] { "count() FROM clicks", "sum(clicks) + sum(bots) FROM clicks_by_quarter_hour", "sum(clicks) + sum(bots) FROM clicks_by_day" }
        )
            counts.AddRange(
                await database.ReadAsync(
                    $"SELECT {sql} WHERE short_code = {{code:String}}",
                    row => Convert.ToInt64(row.GetValue(0), CultureInfo.InvariantCulture),
                    Token,
                    ("code", _code)
                )
            );
        return (counts[0], counts[1], counts[2]);
    }
}
