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
        Assert.Null(one.Drop("abcd"));
        Assert.NotNull(one.Find("efgh", 0));
    }

    [Fact]
    public void Drop_Held_IsGivenOnce()
    {
        var link = NewLink("abcd");
        _links.Hold(link, 0);

        Assert.Same(link, _links.Drop("abcd"));
        Assert.Null(_links.Drop("abcd"));
        Assert.Null(_links.Find("abcd", 0));
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
