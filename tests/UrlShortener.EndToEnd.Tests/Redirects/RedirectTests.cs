using System.Globalization;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Redirects;

public sealed class RedirectTests : ProductTest, IClassFixture<ProductFixture>
{
    private readonly ProductProcess _product;

    public RedirectTests(ProductFixture fixture) => _product = Share(fixture.Product);

    [Fact]
    [Trait("Case", "F-05")]
    public async Task F05_RedirectValid_Default_Returns302ThatBrowsersDoNotKeep()
    {
        const string target = "https://example.com/päth?q=%2F&r=a+b#frag";
        var code = await _product.Owner.CreateLinkAsync(target);

        // Loaded from the store, from the cache, and as one that is asked for often.
        foreach (var _ in Enumerable.Range(0, 3))
        {
            var reply = await _product.Anonymous.GetAsync($"/{code}");
            Assert.Equal(302, reply.Status);
            Assert.Equal("https://example.com/p%C3%A4th?q=%2F&r=a+b#frag", reply.Header("Location"));
            Assert.Equal(["max-age=0", "private"], reply.Header("Cache-Control")!.Split(", ").Order(StringComparer.Ordinal));
            // Shared caches would hide clicks and serve what was changed or blocked; whoever wants that sets Redirects:EdgeTtl.
            Assert.Null(reply.Header("CDN-Cache-Control"));
            Assert.Empty(reply.Body);
        }
    }

    [Fact]
    public async Task Redirect_AskedForOften_ChangesAtOnce()
    {
        var code = await _product.Owner.CreateLinkAsync("https://example.com/first");
        await FollowAsync("https://example.com/first");

        await _product.Owner.PatchAsync($"/api/v1/urls/{code}", new { original_url = "https://example.com/second" });
        await FollowAsync("https://example.com/second");

        // Only the code itself is short-cut: what the route makes of other spellings stays.
        Assert.Equal(302, (await _product.Anonymous.GetAsync($"/{code}?any=query")).Status);
        Assert.Equal(404, (await _product.Anonymous.GetAsync($"/{code}/x")).Status);
        Assert.Equal(405, (await _product.Anonymous.SendAsync(HttpMethod.Post, $"/{code}")).Status);

        await _product.Owner.DeleteAsync($"/api/v1/urls/{code}");
        Assert.Equal(404, (await _product.Anonymous.GetAsync($"/{code}")).Status);

        async Task FollowAsync(string target)
        {
            for (var i = 0; i < 4; i++)
                Assert.Equal(target, (await _product.Anonymous.GetAsync($"/{code}")).Header("Location"));
        }
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(308)]
    [Trait("Case", "F-05")]
    public async Task F05_RedirectValid_RedirectType_IsTheStatus(int type)
    {
        var created = await _product.Owner.CreateAsync(new { original_url = "https://example.com/type", redirect_type = type });

        var reply = await _product.Anonymous.GetAsync($"/{created.Json.GetProperty("short_code").GetString()}");

        Assert.Equal(type, reply.Status);
        Assert.Equal("https://example.com/type", reply.Header("Location"));
        // A permanent redirect without a limit of its own could never be changed again.
        Assert.Equal(["max-age=" + (type is 301 or 308 ? "300" : "0"), "private"], reply.Header("Cache-Control")!.Split(", ").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(301)]
    [InlineData(308)]
    public async Task Redirect_PermanentLinkEndsSoon_IsKeptByNoBrowserPastItsEnd(int type)
    {
        var created = await _product.Owner.CreateAsync(new { original_url = "https://example.com/type", redirect_type = type });
        var code = created.Json.GetProperty("short_code").GetString()!;
        var end = TimeProvider.System.GetUtcNow().AddSeconds(100);
        await _product.Owner.PatchAsync($"/api/v1/urls/{code}", new { expires_at = end });

        var reply = await _product.Anonymous.GetAsync($"/{code}");

        Assert.InRange(MaxAge(reply.Header("Cache-Control")), 0, 100);
        Assert.Contains("private", reply.Header("Cache-Control"), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Case", "F-05")]
    public async Task F05_RedirectValid_Head_AnswersAsGetAndIsNotCounted()
    {
        var code = await _product.Owner.CreateLinkAsync();
        var visitor = ("User-Agent", UserAgents.Desktop);

        var get = await _product.Anonymous.GetAsync($"/{code}", visitor);
        foreach (var _ in Enumerable.Range(0, 3))
        {
            var head = await _product.Anonymous.HeadAsync($"/{code}", visitor);
            Assert.Equal(302, head.Status);
            Assert.Equal(WithoutDate(get), WithoutDate(head));
        }

        // A click after the others: once it is counted, they would be, too.
        await _product.Anonymous.GetAsync($"/{code}", visitor);
        var statistics = await _product.Owner.WaitForClicksAsync(code, 2);
        Assert.Equal(2, statistics.GetProperty("total_clicks").GetInt64());

        static List<KeyValuePair<string, string>> WithoutDate(Reply reply) =>
            [.. reply.Headers.Where(header => header.Key is not ("Date" or "Content-Length")).OrderBy(header => header.Key, StringComparer.Ordinal)];
    }

    [Theory]
    [InlineData("/nosuch7")]
    [InlineData("/abc")]
    [InlineData("/elevenchars")]
    [InlineData("/with%20sp")]
    [InlineData("/%F0%9F%98%80%F0%9F%98%80")]
    [Trait("Case", "F-05")]
    public async Task F05_Redirect_UnknownCode_Returns404InTheFormOfTheCaller(string path)
    {
        (await _product.Anonymous.GetAsync(path)).ShouldBeProblem(404, "URL_NOT_FOUND");
        AssertPage(await _product.Anonymous.GetAsync(path, ("Accept", "text/html,application/xhtml+xml;q=0.9")), 404, "Link not found");
    }

    [Fact]
    [Trait("Case", "F-06")]
    public async Task F06_RedirectExpired_AfterTheEnd_Returns410InTheFormOfTheCaller()
    {
        var code = await _product.Owner.CreateLinkAsync();
        await PatchToExpireSoonAsync(code);

        var reply = await Eventually.ReadAsync(() => _product.Anonymous.GetAsync($"/{code}"), answer => answer.Status != 302, $"{code} expires");

        reply.ShouldBeProblem(410, "URL_EXPIRED");
        Assert.Equal("no-store", reply.Header("Cache-Control"));
        AssertPage(await _product.Anonymous.GetAsync($"/{code}", ("Accept", "text/html")), 410, "Link expired");
        // Its owner sees what became of it; others see what visitors see.
        Assert.Equal("expired", (await _product.Owner.GetAsync($"/api/v1/urls/{code}")).Json.GetProperty("status").GetString());
        (await (await _product.CreateUserAsync(NewEmail())).GetAsync($"/api/v1/urls/{code}")).ShouldBeProblem(410, "URL_EXPIRED");
        Assert.Equal(410, (await _product.Anonymous.HeadAsync($"/{code}")).Status);

        Assert.Equal(200, (await _product.Owner.PatchAsync($"/api/v1/urls/{code}", new { never_expires = true })).Status);
        Assert.Equal(302, (await _product.Anonymous.GetAsync($"/{code}")).Status);
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    public async Task Redirect_OtherMethod_Returns405WithAllow(string method)
    {
        var code = await _product.Owner.CreateLinkAsync();

        var reply = await _product.Anonymous.SendAsync(new HttpMethod(method), $"/{code}");

        reply.ShouldBeProblem(405, "METHOD_NOT_ALLOWED");
        Assert.Equal(["GET", "HEAD"], reply.Header("Allow")!.Split(", ").Order(StringComparer.Ordinal));
    }

    private static int MaxAge(string? header) =>
        int.Parse(header!.Split(", ").Single(part => part.StartsWith("max-age=", StringComparison.Ordinal))["max-age=".Length..], CultureInfo.InvariantCulture);

    private static void AssertPage(Reply reply, int status, string title)
    {
        Assert.Equal(status, reply.Status);
        Assert.StartsWith("text/html", reply.Header("Content-Type"), StringComparison.Ordinal);
        Assert.Equal("no-store", reply.Header("Cache-Control"));
        Assert.Equal("Accept", reply.Header("Vary"));
        Assert.Contains($"<title>{title}</title>", reply.Text, StringComparison.Ordinal);
        // It loads nothing: a visitor of a dead link is told to nobody.
        Assert.Contains("default-src 'none'", reply.Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.DoesNotMatch("(?i)<script|<link|<img|<iframe|src=|https?://|url\\(|@import", reply.Text);
    }

    // The end must be ahead when the product reads it, however slow the machine is.
    private async Task PatchToExpireSoonAsync(string code)
    {
        await Eventually.ReadAsync(
            () => _product.Owner.PatchAsync($"/api/v1/urls/{code}", new { expires_at = TimeProvider.System.GetUtcNow().AddSeconds(1) }),
            reply => reply.Status == 200,
            "an end one second ahead is taken"
        );
    }
}
