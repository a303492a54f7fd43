using Microsoft.AspNetCore.Http;
using UrlShortener.Runtime.Redirects;
using Xunit;

namespace UrlShortener.Runtime.Tests.Redirects;

public sealed class RedirectCachingTests
{
    [Theory]
    [InlineData(false, long.MaxValue, 0, "private, max-age=0", null)]
    [InlineData(true, long.MaxValue, 0, "private, max-age=300", null)]
    [InlineData(true, 300_000, 0, "private, max-age=300", null)]
    [InlineData(true, 299_999, 0, "private, max-age=299", null)]
    [InlineData(true, 1, 0, "private, max-age=0", null)]
    [InlineData(false, long.MaxValue, 60, "private, max-age=0", "max-age=60")]
    [InlineData(true, 90_500, 3_600, "private, max-age=90", "max-age=90")]
    [InlineData(false, 999, 3_600, "private, max-age=0", "max-age=0")]
    public void Apply_Link_NamesNoTimePastItsEnd(bool isPermanent, long left, int edgeSeconds, string browsers, string? edge)
    {
        IHeaderDictionary headers = new HeaderDictionary();

        new RedirectCaching(TimeSpan.FromSeconds(edgeSeconds)).Apply(headers, isPermanent, left);

        Assert.Equal(browsers, headers.CacheControl);
        Assert.Equal(edge, (string?)headers["CDN-Cache-Control"]);
    }

    [Fact]
    public void Apply_HeadersWereSetBefore_AllocatesNothing()
    {
        var caching = new RedirectCaching(TimeSpan.FromMinutes(5));
        IHeaderDictionary headers = new HeaderDictionary();
        caching.Apply(headers, isPermanent: true, left: 0);
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var left = 0; left < 400_000; left += 500)
            caching.Apply(headers, isPermanent: true, left);

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
