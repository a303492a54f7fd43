using UrlShortener.Runtime.Caching;
using Xunit;

namespace UrlShortener.Runtime.Tests.Caching;

public sealed class HotLinksTests
{
    private const long Lease = 100;

    private readonly HotLinks _links = new(1_000, Lease);

    [Fact]
    public void Find_Held_IsFoundUntilItsLeaseEnds()
    {
        var link = NewLink("abcd");

        _links.Hold(link, 5);

        Assert.Same(link, _links.Find("abcd", 5));
        Assert.Same(link, _links.Find("abcd", 104));
        Assert.Null(_links.Find("abcd", 105));
        _links.Hold(link, 105);
        Assert.Same(link, _links.Find("abcd", 105));
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("ABCD")]
    [InlineData("abcde")]
    [InlineData("abcd/")]
    [InlineData("a much longer text than any code")]
    public void Find_AnyOtherText_IsNotFound(string text)
    {
        _links.Hold(NewLink("abcd"), 0);

        Assert.Null(_links.Find(text, 0));
    }

    [Fact]
    public void Find_TwoOfOneSlot_TheLastStays()
    {
        var one = new HotLinks(1, Lease);
        one.Hold(NewLink("abcd"), 0);
        one.Hold(NewLink("efgh"), 0);

        Assert.Null(one.Find("abcd", 0));
        Assert.False(one.Drop("abcd", isVoid: true));
        Assert.NotNull(one.Find("efgh", 0));
    }

    [Fact]
    public void Hold_SetIsFull_TheFirstToEndMakesRoom()
    {
        var four = new HotLinks(4, Lease);
        string[] codes = ["aaaa", "bbbb", "cccc", "dddd"];
        foreach (var (i, code) in codes.Index())
            four.Hold(NewLink(code), i);
        Assert.All(codes, code => Assert.NotNull(four.Find(code, 5)));

        // Held again, it is not the oldest.
        four.Hold(NewLink("aaaa"), 5);
        four.Hold(NewLink("eeee"), 6);

        Assert.Equal(["aaaa", "cccc", "dddd", "eeee"], codes.Append("eeee").Where(code => four.Find(code, 7) is not null));
    }

    [Fact]
    public void Drop_Held_IsHeldNoLonger()
    {
        var link = NewLink("abcd");
        _links.Hold(link, 0);

        Assert.True(_links.Drop("abcd", isVoid: false));
        Assert.False(_links.Drop("abcd", isVoid: false));
        Assert.Null(_links.Find("abcd", 0));
        Assert.False(link.IsVoid);
    }

    [Fact]
    public void Drop_Changed_IsVoid()
    {
        var link = NewLink("abcd");
        _links.Hold(link, 0);

        Assert.True(_links.Drop("abcd", isVoid: true));
        Assert.True(link.IsVoid);
    }

    private static CachedLink NewLink(string code) =>
        new()
        {
            ShortCode = code,
            Exists = true,
            Epoch = 0,
            Origin = CacheTier.Store,
        };
}
