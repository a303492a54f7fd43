using System.Net;
using System.Security.Cryptography;
using System.Text;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Clicks;

public sealed class PrivacyTests : ProductTest
{
    private const string V4 = "203.0.113.77";
    private const string V6 = "2001:db8:1234:5678:9abc:def0:1357:2468";

    [Fact]
    public async Task Click_Stored_LeavesNoAddressInTheData()
    {
        var product = await StartBehindProxyAsync();
        var code = await product.Owner.CreateLinkAsync();
        foreach (var address in new[] { V4, V6 })
            await product.Anonymous.GetAsync(
                $"/{code}",
                ("X-Forwarded-For", address),
                ("User-Agent", UserAgents.Desktop),
                ("Referer", "https://news.example/?visitor=querysecret")
            );
        // Creating a link takes the address, too: for the limit, and for the idempotency key.
        await product.Anonymous.CreateAsync(new { original_url = "https://example.com/" }, ("X-Forwarded-For", V4), ("X-Idempotency-Key", "key"));
        var statistics = await product.Owner.WaitForClicksAsync(code, 2);
        Assert.Equal(2, statistics.GetProperty("unique_visitors").GetInt64());

        // While it runs there may be more than what is left after a stop, such as a write-ahead log.
        await AssertHoldsNoAddressAsync(product);
        await product.StopAsync();
        await AssertHoldsNoAddressAsync(product);

        // The search does find what is there.
        Assert.True(await product.Stores.HoldAsync(Encoding.UTF8.GetBytes("news.example")));
        Assert.True(await product.Stores.HoldAsync(Encoding.UTF8.GetBytes(Places.City)));
    }

    [Fact]
    public async Task Click_VisitorAsksNotToBeTracked_IsCountedWithoutVisitorAndCity()
    {
        var product = await StartBehindProxyAsync();
        foreach (var header in (string[])["DNT", "Sec-GPC"])
        {
            var code = await product.Owner.CreateLinkAsync();

            for (var click = 0; click < 3; click++)
                await product.Anonymous.GetAsync($"/{code}", ("X-Forwarded-For", V4), ("User-Agent", UserAgents.Desktop), (header, "1"));

            var statistics = await product.Owner.WaitForClicksAsync(code, 3);
            Assert.Equal(3, statistics.GetProperty("total_clicks").GetInt64());
            Assert.True(statistics.GetProperty("unique_visitors").GetInt64() == 0, header);
            Assert.Equal(Places.Country, statistics.GetProperty("geographic")[0].GetProperty("country").GetString());
        }

        await product.StopAsync();
        Assert.False(await product.Stores.HoldAsync(Encoding.UTF8.GetBytes(Places.City)));
    }

    [Fact]
    public async Task Delete_LinkWithClicks_TakesWhatVisitorsLeftBehindAlong()
    {
        const string agent = "Mozilla/5.0 (X11; Linux x86_64) Visitor/4711.0815";
        var product = await StartBehindProxyAsync();
        var (code, other) = (await product.Owner.CreateLinkAsync(), await product.Owner.CreateLinkAsync());
        foreach (var link in new[] { code, other })
            await product.Anonymous.GetAsync(
                $"/{link}",
                ("X-Forwarded-For", V4),
                ("User-Agent", link == code ? agent : UserAgents.Desktop),
                ("Referer", $"https://{link}.example/")
            );
        await product.Owner.WaitForClicksAsync(code, 1);
        await product.Owner.WaitForClicksAsync(other, 1);

        Assert.Equal(204, (await product.Owner.DeleteAsync($"/api/v1/urls/{code}")).Status);

        await Eventually.ReadAsync(() => product.Stores.CountClickRecordsAsync(code), records => records == 0, "nothing is left of the clicks");
        Assert.True(await product.Stores.CountClickRecordsAsync(other) > 0);
        await product.StopAsync();
        Assert.False(await product.Stores.HoldAsync(Encoding.UTF8.GetBytes(agent)));
        Assert.False(await product.Stores.HoldAsync(Encoding.UTF8.GetBytes($"{code.ToLowerInvariant()}.example")));
        Assert.True(await product.Stores.HoldAsync(Encoding.UTF8.GetBytes($"{other.ToLowerInvariant()}.example")));
    }

    private async Task<ProductProcess> StartBehindProxyAsync()
    {
        var places = NewFolder().PathOf("places.mmdb");
        Places.WriteTo(places);
        return await StartAsync("--Proxies:Trusted:0=127.0.0.1", "--Links:OwnHosts:0=127.0.0.1", $"--Clicks:GeoDatabasePath={places}");
    }

    private static async Task AssertHoldsNoAddressAsync(ProductProcess product)
    {
        foreach (var text in new[] { V4, V6 })
        {
            var bytes = IPAddress.Parse(text).GetAddressBytes();
            Assert.False(await product.Stores.HoldAsync(Encoding.UTF8.GetBytes(text)), $"{text} is in the data.");
            // A digest without a secret is undone by trying all addresses.
            var digest = SHA256.HashData(bytes);
            Assert.False(await product.Stores.HoldAsync(digest), $"The plain digest of {text} is in the data.");
            Assert.False(
                await product.Stores.HoldAsync(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(digest))),
                $"The plain digest of {text} is in the data."
            );
            Assert.False(await product.Stores.HoldAsync(SHA256.HashData(Encoding.UTF8.GetBytes(text))), $"The plain digest of {text} is in the data.");
        }

        // Four bytes of an IPv4 address would be found by chance.
        Assert.False(await product.Stores.HoldAsync(IPAddress.Parse(V6).GetAddressBytes()));
        Assert.False(await product.Stores.HoldAsync(Encoding.UTF8.GetBytes("querysecret")));
        Assert.DoesNotContain(V4, product.AllOutput, StringComparison.Ordinal);
        Assert.DoesNotContain(V6, product.AllOutput, StringComparison.Ordinal);
    }
}
