using System.Security.Cryptography;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Statistics;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage;

/// <summary>What every store does with clicks.</summary>
public abstract class ClickStoreContract : StatisticsContract
{
    private IClickSalts Salts => Stores.Salts;

    private IClickRetention Retention => Stores.Retention;

    [Fact]
    public async Task Append_PeopleAndBots_CountsPeopleOnTheLink()
    {
        var link = await CreateOneAsync();
        var other = await CreateOneAsync();
        await Clicks.AppendAsync(
            Guid.NewGuid(),
            [
                Click(link.ShortCode, Quarter.AddMilliseconds(5)),
                Click(link.ShortCode, Quarter),
                Click(link.ShortCode, Quarter.AddHours(1)) with
                {
                    IsBot = true,
                },
                Click(other.ShortCode, Quarter.AddHours(1)) with
                {
                    IsBot = true,
                },
            ],
            Token
        );

        Assert.Equal(link with { ClickCount = 2, LastAccessedAt = Quarter.AddMilliseconds(5) }, await Links.FindAsync(link.ShortCode, Token));
        Assert.Equal(other, await Links.FindAsync(other.ShortCode, Token));
    }

    [Fact]
    public async Task FindFollowed_LinksOfAUser_AreThoseFollowedSinceAndTheLatestFirst()
    {
        var (user, other) = (await NewUserAsync(), await NewUserAsync());
        var (first, second, old) = (await CreateOneAsync(user.Id), await CreateOneAsync(user.Id), await CreateOneAsync(user.Id));
        var (ofBots, foreign) = (await CreateOneAsync(user.Id), await CreateOneAsync(other.Id));
        await Clicks.AppendAsync(
            Guid.NewGuid(),
            [
                Click(first.ShortCode, Quarter),
                Click(second.ShortCode, Quarter.AddMinutes(1)),
                Click(old.ShortCode, Quarter.AddMilliseconds(-1)),
                Click(foreign.ShortCode, Quarter),
                Click(ofBots.ShortCode, Quarter) with
                {
                    IsBot = true,
                },
            ],
            Token
        );

        var followed = (IFollowedLinks)Links;

        Assert.Equal([second.ShortCode, first.ShortCode], await followed.FindFollowedAsync(user.Id, Quarter, 10, Token));
        Assert.Equal([second.ShortCode], await followed.FindFollowedAsync(user.Id, Quarter, 1, Token));
    }

    [Fact]
    public async Task FindFollowed_LinksOfOneMinute_AreToldApartByTheMomentAndGoWithTheirLink()
    {
        var user = await NewUserAsync();
        var minute = new DateTimeOffset(Quarter.UtcTicks, TimeSpan.Zero);
        var (early, first, last, deleted) = (
            await CreateOneAsync(user.Id),
            await CreateOneAsync(user.Id),
            await CreateOneAsync(user.Id),
            await CreateOneAsync(user.Id)
        );
        var followed = (IFollowedLinks)Links;
        async Task ClickAsync(Link link, TimeSpan after) => await Clicks.AppendAsync(Guid.NewGuid(), [Click(link.ShortCode, minute + after)], Token);
        Task<IReadOnlyList<string>> FindAsync(int limit = 10) => followed.FindFollowedAsync(user.Id, minute.AddSeconds(7), limit, Token);

        await ClickAsync(early, TimeSpan.FromSeconds(7) - TimeSpan.FromMilliseconds(1));
        await ClickAsync(first, TimeSpan.FromSeconds(7));
        await ClickAsync(last, TimeSpan.FromMilliseconds(59_999));
        await ClickAsync(deleted, TimeSpan.FromSeconds(30));
        Assert.Equal([last.ShortCode, deleted.ShortCode, first.ShortCode], await FindAsync());

        await Links.DeleteAsync(deleted.ShortCode, user.Id, Token);
        // It arrives late.
        await ClickAsync(deleted, TimeSpan.FromSeconds(40));
        await ClickAsync(last, TimeSpan.FromDays(-1));
        Assert.Equal([last.ShortCode, first.ShortCode], await FindAsync());
        // The same moment: by code.
        await ClickAsync(first, TimeSpan.FromMilliseconds(60_000));
        await ClickAsync(last, TimeSpan.FromMilliseconds(60_000));
        string[] codes = [.. new[] { first.ShortCode, last.ShortCode }.Order(StringComparer.Ordinal)];
        Assert.Equal(codes, await FindAsync());
        Assert.Contains(Assert.Single(await FindAsync(limit: 1)), codes);

        await Links.DeleteOfUserAsync(user.Id, 10, Token);
        Assert.Empty(await FindAsync());
    }

    [Fact]
    public async Task Append_OlderClicksLater_NeverMovesTheLastAccessBack()
    {
        var link = await CreateOneAsync();
        await Clicks.AppendAsync(Guid.NewGuid(), [Click(link.ShortCode, Quarter)], Token);
        await Clicks.AppendAsync(Guid.NewGuid(), [Click(link.ShortCode, Quarter.AddHours(-1))], Token);

        var found = await Links.FindAsync(link.ShortCode, Token);

        Assert.Equal((2, Quarter), (found!.ClickCount, found.LastAccessedAt));
    }

    [Fact]
    public async Task Append_ManyBatchesAtOnce_LosesNoCount()
    {
        var link = await CreateOneAsync();

        await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(i =>
                    Task.Run(
                        () =>
                            Clicks.AppendAsync(
                                Guid.NewGuid(),
                                [.. Enumerable.Range(0, 50).Select(j => Click(link.ShortCode, Quarter.AddMilliseconds(i)))],
                                Token
                            ),
                        Token
                    )
                )
        );

        Assert.Equal(1_000, (await Links.FindAsync(link.ShortCode, Token))!.ClickCount);
        Assert.Equal(1_000, (await Statistics.ReadTotalsAsync(link.ShortCode, Quarter, Quarter.AddMinutes(1), Owner, Token)).Clicks);
    }

    [Fact]
    public async Task Append_UnknownAndDeletedCodes_DoNotFailTheBatch()
    {
        var user = await NewUserAsync();
        var deleted = await CreateOneAsync(user.Id);
        await Links.DeleteAsync(deleted.ShortCode, user.Id, Token);
        var link = await CreateOneAsync();

        await Clicks.AppendAsync(Guid.NewGuid(), [Click(NewCode(), Quarter), Click(deleted.ShortCode, Quarter), Click(link.ShortCode, Quarter)], Token);

        Assert.Equal(1, (await Links.FindAsync(link.ShortCode, Token))!.ClickCount);
        Assert.Null(await Links.FindAsync(deleted.ShortCode, Token));
    }

    [Fact]
    public async Task Append_SameBatchAgain_CountsOnce()
    {
        var link = await CreateOneAsync();
        var batch = Guid.NewGuid();
        StoredClick[] clicks = [Click(link.ShortCode, Quarter), Click(link.ShortCode, Quarter)];

        // The first try was stored, and its answer lost.
        await Clicks.AppendAsync(batch, clicks, Token);
        await Clicks.AppendAsync(batch, clicks, Token);

        Assert.Equal(2, (await Links.FindAsync(link.ShortCode, Token))!.ClickCount);
        Assert.Equal(2, (await Statistics.ReadTotalsAsync(link.ShortCode, Quarter, Quarter.AddMinutes(1), Owner, Token)).Clicks);
    }

    [Fact]
    public async Task Append_Nothing_DoesNothing() => await Clicks.AppendAsync(Guid.NewGuid(), [], Token);

    [Fact]
    public async Task Update_OfALinkWithClicks_KeepsItsCount()
    {
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);
        await Clicks.AppendAsync(Guid.NewGuid(), [Click(link.ShortCode, Quarter)], Token);

        var changed = await Links.UpdateAsync(link.ShortCode, user.Id, new Runtime.Links.LinkChange { RedirectType = 301 }, Token);

        Assert.Equal((1, Quarter), (changed.Link!.ClickCount, changed.Link.LastAccessedAt));
    }

    [Fact]
    public async Task GetSalt_SameDay_IsStableAndDaysDiffer()
    {
        var day = NewDay();

        var salts = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(() => Salts.GetSaltAsync(day, Token), Token)));

        Assert.All(salts, salt => Assert.Equal(salts[0], salt));
        Assert.True(ClickSalt.TryReadKeys(salts[0], out _));
        Assert.NotEqual(salts[0], await Salts.GetSaltAsync(day.AddDays(1), Token));
        Assert.Equal(salts[0], await Salts.GetSaltAsync(day, Token));
    }

    [Fact]
    public async Task DeleteSaltsBefore_Day_KeepsThatDay()
    {
        var day = NewDay();
        var before = await Salts.GetSaltAsync(day.AddDays(-1), Token);
        var kept = await Salts.GetSaltAsync(day, Token);

        await Salts.DeleteSaltsBeforeAsync(day, Token);

        Assert.Equal(kept, await Salts.GetSaltAsync(day, Token));
        // Made anew: the old one is gone for good.
        Assert.NotEqual(before, await Salts.GetSaltAsync(day.AddDays(-1), Token));
    }

    [Fact]
    public async Task DeleteBefore_NewerClicks_AreKept()
    {
        var link = await CreateOneAsync();
        var moment = Quarter.AddDays(-20);
        await Clicks.AppendAsync(Guid.NewGuid(), [Click(link.ShortCode, moment), Click(link.ShortCode, moment.AddMinutes(1))], Token);
        // A store may keep these a little longer, in one record with newer ones or behind such.
        await Clicks.AppendAsync(Guid.NewGuid(), [Click(link.ShortCode, moment.AddMilliseconds(-1)), Click(link.ShortCode, moment.AddMinutes(1))], Token);

        Assert.InRange(await Retention.DeleteBeforeAsync(moment, 1, Token), 0, 1);
        Assert.InRange(await Retention.DeleteBeforeAsync(moment, 1_000, Token), 0, 1_000);

        Assert.Equal(3, (await Statistics.ReadTotalsAsync(link.ShortCode, moment, Now, Owner, Token)).Clicks);
        Assert.Equal(4, (await Links.FindAsync(link.ShortCode, Token))!.ClickCount);
    }

    [Fact]
    public async Task DeleteBefore_NothingIsOld_DeletesNothing() => Assert.Equal(0, await Retention.DeleteBeforeAsync(Now.AddDays(-300), 1_000, Token));

    [Fact]
    public async Task DeleteOfDeletedLinks_LinkWithClicks_LeavesNothingOfItAndAllOfOthers()
    {
        var user = await NewUserAsync();
        var (link, other) = (await CreateOneAsync(user.Id), await CreateOneAsync(user.Id));
        var today = new DateTimeOffset(Now.UtcDateTime.Date, TimeSpan.Zero);
        foreach (var code in new[] { link.ShortCode, other.ShortCode })
        {
            foreach (var batch in RandomClicks(code, today).Chunk(70))
                await Clicks.AppendAsync(Guid.NewGuid(), batch, Token);
        }

        await SumUpAsync(today);
        Assert.Equal(LinkChangeOutcome.Done, (await Links.DeleteAsync(link.ShortCode, user.Id, Token)).Outcome);
        // Clicks that were on the way.
        await Clicks.AppendAsync(Guid.NewGuid(), [Click(link.ShortCode, Quarter), Click(link.ShortCode, Quarter) with { IsBot = true }], Token);

        await DeleteAllAsync();
        AssertEqual(Count([], Now, Now), await Statistics.ReadTotalsAsync(link.ShortCode, today.AddDays(-30), today.AddDays(2), Owner, Token));
        await Clicks.AppendAsync(Guid.NewGuid(), [Click(link.ShortCode, Quarter)], Token);
        await DeleteAllAsync();

        AssertEqual(Count([], Now, Now), await Statistics.ReadTotalsAsync(link.ShortCode, today.AddDays(-30), today.AddDays(2), Owner, Token));
        Assert.True((await Statistics.ReadTotalsAsync(other.ShortCode, today.AddDays(-30), today.AddDays(2), Owner, Token)).Clicks > 100);
        Assert.Null(Assert.Single(await CreateAsync(user.Id, Now, NewLink(link.ShortCode))));
    }

    private async Task DeleteAllAsync()
    {
        while (await Retention.DeleteOfDeletedLinksAsync(40, Token) > 0)
            Token.ThrowIfCancellationRequested();
    }

    // A day that no other test uses, long ago, so that deleting the salts before it hurts nobody.
    private static DateOnly NewDay() => new DateOnly(1000, 1, 1).AddDays(RandomNumberGenerator.GetInt32(300_000));
}
