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
            await product.Anonymous.GetAsync($"/{code}", ("X-Forwarded-For", address), ("User-Agent", UserAgents.Desktop), ("Referer", "https://news.example/?visitor=querysecret"));
        // Creating a link takes the address, too: for the limit, and for the idempotency key.
        await product.Anonymous.CreateAsync(new { original_url = "https://example.com/" }, ("X-Forwarded-For", V4), ("X-Idempotency-Key", "key"));
        var statistics = await product.Owner.WaitForClicksAsync(code, 2);
        Assert.Equal(2, statistics.GetProperty("unique_visitors").GetInt64());

        // While it runs the write-ahead log is there as well, after the stop the file alone.
        AssertHoldsNoAddress(product);
        await product.StopAsync();
        AssertHoldsNoAddress(product);

        // The search does find what is there.
        Assert.True(Holds(product, Encoding.UTF8.GetBytes("news.example")));
        Assert.True(Holds(product, Encoding.UTF8.GetBytes(Places.City)));
    }

    [Theory]
    [InlineData("DNT")]
    [InlineData("Sec-GPC")]
    public async Task Click_VisitorAsksNotToBeTracked_IsCountedWithoutVisitorAndCity(string header)
    {
        var product = await StartBehindProxyAsync();
        var code = await product.Owner.CreateLinkAsync();

        for (var click = 0; click < 3; click++)
            await product.Anonymous.GetAsync($"/{code}", ("X-Forwarded-For", V4), ("User-Agent", UserAgents.Desktop), (header, "1"));

        var statistics = await product.Owner.WaitForClicksAsync(code, 3);
        Assert.Equal(3, statistics.GetProperty("total_clicks").GetInt64());
        Assert.Equal(0, statistics.GetProperty("unique_visitors").GetInt64());
        Assert.Equal(Places.Country, statistics.GetProperty("geographic")[0].GetProperty("country").GetString());
        await product.StopAsync();
        Assert.False(Holds(product, Encoding.UTF8.GetBytes(Places.City)));
    }

    private async Task<ProductProcess> StartBehindProxyAsync()
    {
        var places = NewFolder().PathOf("places.mmdb");
        Places.WriteTo(places);
        return await StartAsync("--Proxies:Trusted:0=127.0.0.1", $"--Clicks:GeoDatabasePath={places}");
    }

    private static void AssertHoldsNoAddress(ProductProcess product)
    {
        foreach (var text in new[] { V4, V6 })
        {
            var bytes = IPAddress.Parse(text).GetAddressBytes();
            Assert.False(Holds(product, Encoding.UTF8.GetBytes(text)), $"{text} is in the data.");
            // A digest without a secret is undone by trying all addresses.
            var digest = SHA256.HashData(bytes);
            Assert.False(Holds(product, digest), $"The plain digest of {text} is in the data.");
            Assert.False(Holds(product, Encoding.ASCII.GetBytes(Convert.ToHexStringLower(digest))), $"The plain digest of {text} is in the data.");
            Assert.False(Holds(product, SHA256.HashData(Encoding.UTF8.GetBytes(text))), $"The plain digest of {text} is in the data.");
        }

        // Four bytes of an IPv4 address would be found by chance.
        Assert.False(Holds(product, IPAddress.Parse(V6).GetAddressBytes()));
        Assert.False(Holds(product, Encoding.UTF8.GetBytes("querysecret")));
        Assert.DoesNotContain(V4, product.AllOutput, StringComparison.Ordinal);
        Assert.DoesNotContain(V6, product.AllOutput, StringComparison.Ordinal);
    }

    private static bool Holds(ProductProcess product, byte[] bytes) =>
        Directory.EnumerateFiles(product.DataDirectory, "*", SearchOption.AllDirectories).Any(path => ReadAll(path).AsSpan().IndexOf(bytes) >= 0);

    private static byte[] ReadAll(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var memory = new MemoryStream();
        file.CopyTo(memory);
        return memory.ToArray();
    }
}
