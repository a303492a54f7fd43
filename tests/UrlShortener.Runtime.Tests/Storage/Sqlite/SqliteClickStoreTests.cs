using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Sqlite;

public sealed class SqliteClickStoreTests(SqliteStores database) : ClickStoreContract, IClassFixture<SqliteStores>
{
    // By the order of writing, so in a database of its own.
    [Fact]
    public async Task DeleteBefore_Limit_DeletesTheOldestInPieces()
    {
        await using var own = new SqliteStores();
        var stores = own.Stores;
        var moment = Now.AddDays(-1);
        for (var i = 5; i >= 1; i--)
            await stores.Clicks.AppendAsync(Guid.NewGuid(), [Click("abcd", moment.AddMilliseconds(-i))], Token);
        await stores.Clicks.AppendAsync(Guid.NewGuid(), [Click("abcd", moment)], Token);

        Assert.Equal(2, await stores.Retention.DeleteBeforeAsync(moment, 2, Token));
        Assert.Equal(3, (await stores.Statistics.ReadTotalsAsync("abcd", moment.AddDays(-1), moment, Owner, Token)).Clicks);
        Assert.Equal(2, await stores.Retention.DeleteBeforeAsync(moment, 2, Token));
        Assert.Equal(1, await stores.Retention.DeleteBeforeAsync(moment, 2, Token));
        Assert.Equal(0, await stores.Retention.DeleteBeforeAsync(moment, 2, Token));
        Assert.Equal(1, (await stores.Statistics.ReadTotalsAsync("abcd", moment.AddDays(-1), Now, Owner, Token)).Clicks);
    }

    [Fact]
    public async Task ReadTotals_WholeDays_ReadNoSingleClicks()
    {
        await using var own = new SqliteStores();
        var stores = own.Stores;
        var today = new DateTimeOffset(Now.UtcDateTime.Date, TimeSpan.Zero);
        var stored = RandomClicks("abcd", today);
        await stores.Clicks.AppendAsync(Guid.NewGuid(), stored, Token);
        while (await stores.Sums.SumUpAsync(DateOnly.FromDateTime(today.UtcDateTime), Token) > 0)
            Token.ThrowIfCancellationRequested();
        var before = await stores.Statistics.ReadTotalsAsync("abcd", today.AddDays(-4), today, Owner, Token);

        while (await stores.Retention.DeleteBeforeAsync(Now.AddDays(2), 1_000, Token) > 0)
            Token.ThrowIfCancellationRequested();
        var after = await stores.Statistics.ReadTotalsAsync("abcd", today.AddDays(-4), today, Owner, Token);

        Assert.Equal(stored.Count(click => !click.IsBot && click.At < today), after.Clicks);
        Assert.Equal((before.Clicks, before.Visitors, before.Bots), (after.Clicks, after.Visitors, after.Bots));
        Assert.Equal(before.Quarters, after.Quarters);
        Assert.Equal(before.Sources, after.Sources);
        Assert.True((await stores.Statistics.ReadTotalsAsync("abcd", today.AddDays(-4).AddHours(12), today, Owner, Token)).Clicks < after.Clicks);
    }

    private protected override ValueTask<Stores> OpenAsync() => ValueTask.FromResult(database.Stores);
}
