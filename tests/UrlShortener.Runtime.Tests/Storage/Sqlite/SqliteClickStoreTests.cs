using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Sqlite;

public sealed class SqliteClickStoreTests(SqliteStores database) : ClickStoreContract, IClassFixture<SqliteStores>
{
    // By the order of writing, so in a database of its own.
    [Fact]
    public async Task DeleteBefore_Limit_DeletesTheOldestInPieces()
    {
        await using var own = new SqliteStores();
        var clicks = own.Stores.Clicks;
        var moment = Now.AddDays(-1);
        for (var i = 5; i >= 1; i--)
            await clicks.AppendAsync(Guid.NewGuid(), [Click("abcd", moment.AddMilliseconds(-i))], Token);
        await clicks.AppendAsync(Guid.NewGuid(), [Click("abcd", moment)], Token);

        Assert.Equal(2, await clicks.DeleteBeforeAsync(moment, 2, Token));
        Assert.Equal(3, (await clicks.ReadTotalsAsync("abcd", moment.AddDays(-1), moment, Owner, Token)).Clicks);
        Assert.Equal(2, await clicks.DeleteBeforeAsync(moment, 2, Token));
        Assert.Equal(1, await clicks.DeleteBeforeAsync(moment, 2, Token));
        Assert.Equal(0, await clicks.DeleteBeforeAsync(moment, 2, Token));
        Assert.Equal(1, (await clicks.ReadTotalsAsync("abcd", moment.AddDays(-1), Now, Owner, Token)).Clicks);
    }

    [Fact]
    public async Task ReadTotals_WholeDays_ReadNoSingleClicks()
    {
        await using var own = new SqliteStores();
        var clicks = own.Stores.Clicks;
        var today = new DateTimeOffset(Now.UtcDateTime.Date, TimeSpan.Zero);
        var stored = RandomClicks("abcd", today);
        await clicks.AppendAsync(Guid.NewGuid(), stored, Token);
        while (await clicks.SumUpAsync(DateOnly.FromDateTime(today.UtcDateTime), Token) > 0)
            Token.ThrowIfCancellationRequested();
        var before = await clicks.ReadTotalsAsync("abcd", today.AddDays(-4), today, Owner, Token);

        while (await clicks.DeleteBeforeAsync(Now.AddDays(2), 1_000, Token) > 0)
            Token.ThrowIfCancellationRequested();
        var after = await clicks.ReadTotalsAsync("abcd", today.AddDays(-4), today, Owner, Token);

        Assert.Equal(stored.Count(click => !click.IsBot && click.At < today), after.Clicks);
        Assert.Equal((before.Clicks, before.Visitors, before.Bots), (after.Clicks, after.Visitors, after.Bots));
        Assert.Equal(before.Quarters, after.Quarters);
        Assert.Equal(before.Sources, after.Sources);
        Assert.True((await clicks.ReadTotalsAsync("abcd", today.AddDays(-4).AddHours(12), today, Owner, Token)).Clicks < after.Clicks);
    }

    private protected override ValueTask<Stores> OpenAsync() => ValueTask.FromResult(database.Stores);
}
