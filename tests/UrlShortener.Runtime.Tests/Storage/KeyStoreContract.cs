using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage;

/// <summary>What every <see cref="IKeyClaims"/> does.</summary>
public abstract class KeyStoreContract : StoreContract
{
    private IKeyClaims Keys => Stores.Keys;

    [Fact]
    public async Task Add_SomeKnown_ReturnsTheNewOnes()
    {
        var (first, second, third) = (NewCode(), NewCode(), NewCode());

        Assert.Equal([first, second], await AddAsync(first, second));
        Assert.Equal([third], await AddAsync(first, third, second));
        Assert.Empty(await Keys.AddAsync([first, second, third], Token));
        Assert.Empty(await Keys.AddAsync([], Token));
    }

    [Fact]
    public async Task Add_KeyTwiceInOneCall_ReturnsItOnce()
    {
        var key = NewCode();
        Assert.Equal([key], await AddAsync(key, key));
    }

    [Fact]
    public async Task Add_KeysDifferInCaseOnly_AreTwo()
    {
        var stem = NewCode()[..6];
        Assert.Equal(2, (await Keys.AddAsync([stem + "a", stem + "A"], Token)).Count);
    }

    [Fact]
    public async Task Add_ClaimedCode_IsNotReturned()
    {
        var alias = NewCode();
        var user = await NewUserAsync();
        await CreateOneAsync(user.Id, NewLink(alias));

        Assert.Empty(await Keys.AddAsync([alias], Token));
        await Links.DeleteAsync(alias, user.Id, Token);
        Assert.Empty(await Keys.AddAsync([alias], Token));
    }

    [Fact]
    public async Task Add_OneKeyManyTimesAtOnce_IsReturnedOnce()
    {
        var key = NewCode();

        var added = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => Keys.AddAsync([key], Token), Token)));

        Assert.Single(added, keys => keys.Count == 1);
    }

    [Fact]
    public async Task Add_EpochOpened_KeysAreOfIt()
    {
        var registry = (IEpochRegistry)Keys;
        var epoch = await registry.ReadEpochAsync(Token);
        Assert.Equal([epoch], (await Keys.AddAsync([NewCode(), NewCode()], Token)).Select(key => key.Epoch).Distinct());

        Assert.Equal(epoch + 1, await registry.OpenEpochAsync(epoch + 1, Token));

        Assert.Equal([epoch + 1], (await Keys.AddAsync([NewCode(), NewCode()], Token)).Select(key => key.Epoch).Distinct());
        // Only ever goes up.
        Assert.Equal(epoch + 1, await registry.OpenEpochAsync(epoch, Token));
        Assert.Equal(epoch + 1, await registry.ReadEpochAsync(Token));
    }

    [Fact]
    public async Task Create_KeyOfAClosedEpochOrItsCodeAsAnAlias_IsNeverIssued()
    {
        var registry = (IEpochRegistry)Keys;
        var (held, other) = (Assert.Single(await Keys.AddAsync([NewCode()], Token)), Assert.Single(await Keys.AddAsync([NewCode()], Token)));
        await registry.OpenEpochAsync(held.Epoch + 1, Token);
        var fresh = NewKey();
        var keys = new Queue<Key>([held, fresh]);

        var result = Assert.IsType<CreateLinksResult.Created>(await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, keys.Dequeue), Token));

        Assert.Equal(fresh.Code, Assert.Single(result.Links)!.ShortCode);
        Assert.Null(Assert.Single(await CreateAsync(null, Now, NewLink(other.Code))));
    }

    [Fact]
    public async Task DeleteLeftovers_OfAnEarlierRun_AreDeletedInPiecesAndThisRunsAreLeft()
    {
        var (unused, claimed) = (NewCode(), NewCode());
        await Keys.AddAsync([unused, claimed, NewCode(), NewCode()], Token);
        await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, () => Key.OnDemand(claimed)), Token);
        // As after a start.
        var later = NewKeyStore();
        var own = Assert.Single(await later.AddAsync([NewCode()], Token)).Code;

        int deleted;
        do Assert.InRange(deleted = await later.DeleteLeftoversAsync(2, Token), 0, 2);
        while (deleted > 0);

        // What is not there can be added.
        Assert.Equal([unused], (await later.AddAsync([unused, claimed, own], Token)).Select(key => key.Code));
    }

    [Fact]
    public async Task DeleteLeftovers_CodeStillHeld_IsUsedAllTheSame()
    {
        var held = Assert.Single(await Keys.AddAsync([NewCode()], Token));
        await NewKeyStore().DeleteLeftoversAsync(1_000_000, Token);

        var result = await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, () => held), Token);

        Assert.Equal(held.Code, Assert.Single(Assert.IsType<CreateLinksResult.Created>(result).Links)!.ShortCode);
    }

    [Fact]
    public async Task Add_LargestBatch_AddsAll()
    {
        var keys = Enumerable.Range(0, 10_000).Select(_ => NewCode()).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(keys.Count, (await Keys.AddAsync([.. keys], Token)).Count);
    }

    /// <summary>The key store of another run on the same database.</summary>
    private protected abstract IKeyClaims NewKeyStore();

    private async Task<IEnumerable<string>> AddAsync(params string[] codes) => (await Keys.AddAsync(codes, Token)).Select(key => key.Code);
}
