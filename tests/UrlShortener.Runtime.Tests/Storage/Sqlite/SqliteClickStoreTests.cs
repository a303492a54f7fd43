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
        Assert.Equal(3, (await clicks.ReadTotalsAsync("abcd", moment.AddDays(-1), moment, Token)).Clicks);
        Assert.Equal(2, await clicks.DeleteBeforeAsync(moment, 2, Token));
        Assert.Equal(1, await clicks.DeleteBeforeAsync(moment, 2, Token));
        Assert.Equal(0, await clicks.DeleteBeforeAsync(moment, 2, Token));
        Assert.Equal(1, (await clicks.ReadTotalsAsync("abcd", moment.AddDays(-1), Now, Token)).Clicks);
    }

    private protected override ValueTask<Stores> OpenAsync() => ValueTask.FromResult(database.Stores);
}
