using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Storage.Postgres;
using UrlShortener.Runtime.Tests.Clicks.Loading;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

public sealed class PostgresLoadProgressTests(PostgresStores database) : StoreContract, IClassFixture<PostgresStores>
{
    private readonly Guid _topic = Guid.NewGuid();

    [Fact]
    public async Task Complete_Batch_CountsAndMovesOn()
    {
        var progress = await NewAsync();
        var link = await CreateOneAsync();
        var batch = NewBatch(10, 30);
        Assert.Null(await progress.ReadAsync(_topic, 2, Token));

        Assert.True(await progress.BeginAsync(batch, Token));
        Assert.Equal(new LoadPosition(10, 30), await progress.ReadAsync(_topic, 2, Token));
        Assert.True(await progress.CompleteAsync(batch, [NewClick(link.ShortCode), NewClick(link.ShortCode)], Token));

        Assert.Equal(new LoadPosition(30, null), await progress.ReadAsync(_topic, 2, Token));
        Assert.Null(await progress.ReadAsync(_topic, 3, Token));
        Assert.Equal(2, (await Links.FindAsync(link.ShortCode, Token))!.ClickCount);
    }

    [Fact]
    public async Task Begin_SameBatchAgain_IsAllowedAndAnotherIsNot()
    {
        var progress = await NewAsync();
        await progress.BeginAsync(NewBatch(10, 30), Token);

        Assert.True(await progress.BeginAsync(NewBatch(10, 30), Token));
        Assert.False(await progress.BeginAsync(NewBatch(10, 31), Token));
        Assert.False(await progress.BeginAsync(NewBatch(9, 30), Token));
        Assert.False(await progress.BeginAsync(NewBatch(30, 40), Token));
        Assert.False(await progress.CompleteAsync(NewBatch(10, 31), [], Token));
        Assert.Equal(new LoadPosition(10, 30), await progress.ReadAsync(_topic, 2, Token));
    }

    [Fact]
    public async Task Complete_ByManyProcessesAtOnce_CountsOnce()
    {
        var progress = await NewAsync();
        var link = await CreateOneAsync();
        var batch = NewBatch(10, 30);
        await progress.BeginAsync(batch, Token);

        var completed = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => progress.CompleteAsync(batch, [NewClick(link.ShortCode)], Token)));

        Assert.Single(completed, isDone => isDone);
        Assert.Equal(1, (await Links.FindAsync(link.ShortCode, Token))!.ClickCount);
        Assert.False(await progress.BeginAsync(batch, Token));
    }

    [Fact]
    public async Task Move_PositionBeyondTheLog_GoesBackOnce()
    {
        var progress = await NewAsync();
        await progress.BeginAsync(NewBatch(10, 30), Token);

        await progress.MoveAsync(_topic, 2, new LoadPosition(9, null), 5, Token);
        Assert.Equal(new LoadPosition(10, 30), await progress.ReadAsync(_topic, 2, Token));
        await progress.MoveAsync(_topic, 2, new LoadPosition(10, 30), 5, Token);

        Assert.Equal(new LoadPosition(5, null), await progress.ReadAsync(_topic, 2, Token));
    }

    // Its clicks in the tables are deleted once more.
    [Fact]
    public async Task Complete_ClickOfADeletedLink_MakesItsRemainsDueAgain()
    {
        var progress = await NewAsync();
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);
        await Links.DeleteAsync(link.ShortCode, user.Id, Token);
        while (await Stores.Retention.DeleteOfDeletedLinksAsync(1_000, Token) > 0)
            Token.ThrowIfCancellationRequested();
        // Deleted for long, and erased.
        await database.ExecuteAsync($"UPDATE deleted_links SET deleted_at = now() - interval '1 hour' WHERE short_code = '{link.ShortCode}'");
        var erasures = new PostgresDueErasures((await database.OpenDatabaseAsync()).Database);
        await erasures.NoteDoneAsync(await erasures.TakeAsync(100, Token), Token);
        Assert.DoesNotContain(link.ShortCode, await erasures.TakeAsync(100, Token));
        var batch = NewBatch(10, 30);
        await progress.BeginAsync(batch, Token);

        await progress.CompleteAsync(batch, [NewClick(link.ShortCode)], Token);

        Assert.NotEqual(0, await Stores.Retention.DeleteOfDeletedLinksAsync(1_000, Token));
        Assert.Contains(link.ShortCode, await erasures.TakeAsync(100, Token));
    }

    // A click that is loaded between the look for what is left and the note that nothing is.
    [Fact]
    public async Task NoteDone_CodeThatBecameDueAgain_StaysDue()
    {
        var progress = await NewAsync();
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);
        await Links.DeleteAsync(link.ShortCode, user.Id, Token);
        var erasures = new PostgresDueErasures((await database.OpenDatabaseAsync()).Database);
        var taken = await erasures.TakeAsync(100, Token);
        var batch = NewBatch(10, 30);
        await progress.BeginAsync(batch, Token);
        await progress.CompleteAsync(batch, [NewClick(link.ShortCode)], Token);

        await erasures.NoteDoneAsync(taken, Token);

        Assert.Contains(link.ShortCode, await erasures.TakeAsync(100, Token));
    }

    private protected override ValueTask<Stores> OpenAsync() => database.OpenAsync();

    private static StoredClick NewClick(string code) => LoadSamples.NewEvent(0).Click with { ShortCode = code };

    private EventBatch NewBatch(long from, long to) => new(_topic, 2, from, to, []);

    private async Task<PostgresLoadProgress> NewAsync() => new((await database.OpenDatabaseAsync()).Database);
}
