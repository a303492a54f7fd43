using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage;

/// <summary>What every <see cref="IKeyStore"/> does.</summary>
public abstract class KeyStoreContract : StoreContract
{
    // More than any test adds.
    private const int All = 1_000_000;

    private IKeyStore Keys => Stores.Keys;

    [Fact]
    public async Task Add_SomeKnown_ReturnsTheNewOnes()
    {
        var (first, second, third) = (NewCode(), NewCode(), NewCode());

        Assert.Equal([first, second], await Keys.AddAsync([first, second], Token));
        Assert.Equal([third], await Keys.AddAsync([first, third, second], Token));
        Assert.Empty(await Keys.AddAsync([first, second, third], Token));
        Assert.Empty(await Keys.AddAsync([], Token));
    }

    [Fact]
    public async Task Add_KeyTwiceInOneCall_ReturnsItOnce()
    {
        var key = NewCode();
        Assert.Equal([key], await Keys.AddAsync([key, key], Token));
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
    public async Task ReadUnused_AfterAdd_HoldsUnclaimedKeysOnce()
    {
        var (unused, claimed) = (NewCode(), NewCode());
        await Keys.AddAsync([unused, claimed], Token);
        await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, () => Key.OnDemand(claimed)), Token);

        var keys = await Keys.ReadUnusedAsync(All, Token);

        Assert.Single(keys, key => key == unused);
        Assert.DoesNotContain(claimed, keys);
    }

    [Fact]
    public async Task ReadUnused_CodeMadeOnDemand_IsNotUnused()
    {
        var link = await CreateOneAsync();
        Assert.DoesNotContain(link.ShortCode, await Keys.ReadUnusedAsync(All, Token));
    }

    [Fact]
    public async Task ReadUnused_Limit_IsKept()
    {
        await Keys.AddAsync([NewCode(), NewCode(), NewCode()], Token);

        Assert.Equal(2, (await Keys.ReadUnusedAsync(2, Token)).Count);
        Assert.Empty(await Keys.ReadUnusedAsync(0, Token));
    }

    [Fact]
    public async Task Add_LargestBatch_AddsAll()
    {
        var keys = Enumerable.Range(0, 10_000).Select(_ => NewCode()).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(keys.Count, (await Keys.AddAsync([.. keys], Token)).Count);
    }
}
