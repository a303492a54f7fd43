using System.Globalization;
using System.Text.RegularExpressions;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.QrCodes;

public sealed partial class QrCodeTests : ProductTest
{
    [Fact]
    public async Task Get_SamePictureAgainAndInEveryConditionalForm_IsDrawnOnce()
    {
        var product = await StartAsync();
        var path = $"/api/v1/urls/{await product.Owner.CreateLinkAsync()}/qr?size=2048&error_correction=H";

        var head = await product.Anonymous.HeadAsync(path);
        Assert.Equal((200, "image/png"), (head.Status, head.Header("Content-Type")));
        Assert.Equal(0, await CountRendersAsync(product));

        var first = await product.Anonymous.GetAsync(path);
        var etag = first.Header("ETag")!;
        Assert.Equal(head.Header("ETag"), etag);
        var again = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => product.Anonymous.GetAsync(path)));
        Assert.All(again, reply => Assert.Equal(first.Body, reply.Body));
        string[] conditions = [etag, $"W/{etag}", $"\"other\", {etag}", $"\"other\", W/{etag} , \"third\"", "*"];
        foreach (var condition in conditions)
        {
            var reply = await product.Anonymous.GetAsync(path, ("If-None-Match", condition));
            Assert.Equal((304, 0, etag), (reply.Status, reply.Body.Length, reply.Header("ETag")));
        }

        // Only a whole tag is one: not a part of another, not what is no tag.
        foreach (var condition in (string[])["\"other\"", $"\"x{etag.Trim('"')}\"", etag.Trim('"'), $"\"{etag}\""])
            Assert.Equal(200, (await product.Anonymous.GetAsync(path, ("If-None-Match", condition))).Status);
        Assert.Equal(first.Body.Length.ToString(CultureInfo.InvariantCulture), (await product.Anonymous.HeadAsync(path)).Header("Content-Length"));
        Assert.Equal(1, await CountRendersAsync(product));
    }

    [Fact]
    public async Task Get_ClientHasAPictureThatIsNotInMemory_IsNotDrawn()
    {
        var product = await StartAsync();
        var path = $"/api/v1/urls/{await product.Owner.CreateLinkAsync()}/qr?size=64&margin=0";
        var etag = (await product.Anonymous.HeadAsync(path)).Header("ETag")!;

        Assert.Equal(304, (await product.Anonymous.GetAsync(path, ("If-None-Match", etag))).Status);

        Assert.Equal(0, await CountRendersAsync(product));
    }

    [Fact]
    public async Task Get_ManyDifferentPicturesFromOneAddress_AreLimitedAndKnownOnesAreNot()
    {
        var product = await StartAsync("--QrCodes:RendersPerMinute=3", "--Proxies:Trusted:0=127.0.0.1", "--Links:PublicBaseUrl=http://sho.rt");
        var path = $"/api/v1/urls/{await product.Owner.CreateLinkAsync()}/qr";
        var size = 300;
        Reply reply;
        // Tokens come back every 20 s: on a slow machine another one or two pass.
        while ((reply = await product.Anonymous.GetAsync($"{path}?size={++size}")).Status == 200 && size < 400)
            Assert.InRange(size, 301, 320);

        Assert.True(size > 303, $"The picture of {size} pixels was refused.");
        var retryAfter = reply.ShouldBeProblem(429, "RATE_LIMIT_EXCEEDED").GetProperty("retry_after").GetInt32();
        Assert.Equal(retryAfter.ToString(CultureInfo.InvariantCulture), reply.Header("Retry-After"));
        Assert.Equal("no-store", reply.Header("Cache-Control"));
        Assert.Null(reply.Header("ETag"));
        Assert.Equal(200, (await product.Anonymous.GetAsync($"{path}?size=301")).Status);
        Assert.Equal(200, (await product.Anonymous.HeadAsync($"{path}?size={size}")).Status);
        Assert.Equal(200, (await product.Anonymous.GetAsync($"{path}?size={size}", ("X-Forwarded-For", "203.0.113.7"))).Status);
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{path.Split('/')[4]}")).Status);
    }

    private static async Task<int> CountRendersAsync(ProductProcess product) =>
        int.Parse(Renders().Match((await product.Anonymous.GetAsync("/metrics")).Text).Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("^shortener_qr_render_seconds_count\\{.*\\} ([0-9]+)$", RegexOptions.Multiline)]
    private static partial Regex Renders();
}
