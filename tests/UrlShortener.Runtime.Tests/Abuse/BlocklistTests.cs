using System.Security.Cryptography;
using System.Text;
using UrlShortener.Runtime.Abuse;
using Xunit;

namespace UrlShortener.Runtime.Tests.Abuse;

public class BlocklistTests
{
    private static readonly TargetPolicy Policy = new(int.MaxValue, AllowPrivateHosts: true, new HashSet<string>());

    [Theory]
    [InlineData("https://evil.com/", true)]
    [InlineData("https://EVIL.com./x", true)]
    [InlineData("https://a.b.evil.com/", true)]
    [InlineData("https://notevil.com/", false)]
    [InlineData("https://evil.com.example.org/", false)]
    [InlineData("https://com/", false)]
    [InlineData("https://bücher.example/", true)]
    [InlineData("https://xn--bcher-kva.example/", true)]
    [InlineData("https://shop.bücher.example/", true)]
    [InlineData("https://аррӏе.com/", true)]
    [InlineData("https://anything.zip/", true)]
    [InlineData("https://1.2.3.4/", true)]
    [InlineData("https://0x1.2.772/", true)]
    [InlineData("https://9.1.2.3/", false)]
    [InlineData("https://[2001:DB8:0::1]/", true)]
    [InlineData("https://[2001:db8::2]/", false)]
    public void Blocks_Names_CoverSubdomainsAndSpellings(string url, bool isBlocked)
    {
        var list = Read("# list\n\nevil.com # why\n  BÜCHER.example.  \r\nxn--80ak6aa92e.com\nzip\n1.2.3.4\n[2001:db8::1]\n");
        Assert.Equal(6, list.Count);
        Assert.Equal(isBlocked, IsBlocked(list, url));
    }

    [Theory]
    [InlineData("8.8.4.4", "https://[::ffff:8.8.4.4]/", true)]
    [InlineData("8.8.4.4", "https://[::ffff:808:404]:8443/", true)]
    [InlineData("8.8.4.4", "https://[64:ff9b::808:404]/", true)]
    [InlineData("8.8.4.4", "https://[2002:808:404::1]/", true)]
    [InlineData("8.8.4.4", "https://[2002:808:404:7::1234]/", true)]
    [InlineData("8.8.4.4", "https://[::ffff:8.8.4.5]/", false)]
    [InlineData("8.8.4.4", "https://[64:ff9b:1::808:404]/", false)]
    [InlineData("8.8.4.4", "https://[2606:4700::808:404]/", false)]
    [InlineData("[::ffff:8.8.4.4]", "https://8.8.4.4/", true)]
    [InlineData("[64:ff9b::8.8.4.4]", "https://134743044/", true)]
    [InlineData("[64:ff9b::8.8.4.4]", "https://[2002:808:404::1]/", true)]
    [InlineData("[2002:808:404::1]", "https://[2002:808:404::1]/", true)]
    [InlineData("[2002:808:404::1]", "https://[2002:808:404::2]/", false)]
    [InlineData("[2002:808:404::1]", "https://8.8.4.4/", false)]
    public void Blocks_Ipv4Address_InEveryFormThatLeadsThere(string entry, string url, bool isBlocked)
    {
        Assert.Equal(isBlocked, IsBlocked(Read(entry), url));
        if (!entry.StartsWith('['))
        {
            Assert.Equal(isBlocked, IsBlocked(Read("sha256:" + Hash(entry)), url));
            Assert.Equal(isBlocked && !url.Contains("8443", StringComparison.Ordinal), IsBlocked(Read("sha256:" + Hash($"https://{entry}/")), url));
        }
    }

    [Theory]
    [InlineData("evil.com", 8)]
    [InlineData("evil.com", 9)]
    [InlineData("evil.com", 31)]
    [InlineData("evil.com", 32)]
    [InlineData("evil.com", 33)]
    [InlineData("evil.com", 64)]
    public void Blocks_HostHash_CoversThatHostOnly(string host, int digits)
    {
        var list = Read("SHA256:" + Hash(host)[..digits] + "\n");

        Assert.True(IsBlocked(list, "https://evil.com/any?thing"));
        Assert.True(IsBlocked(list, "http://EVIL.com.:8080"));
        Assert.False(IsBlocked(list, "https://www.evil.com/"));
        Assert.False(IsBlocked(list, "https://good.com/"));
    }

    [Theory]
    [InlineData("https://example.com/", "https://example.com")]
    [InlineData("https://example.com/", "HTTPS://Example.COM:443/#frag")]
    [InlineData("https://example.com/", "https://example.com.:0443#frag?x")]
    [InlineData("http://example.com/a%2Fb?q=1", "http://example.com:80/a%2Fb?q=1")]
    [InlineData("http://example.com/?q=1", "http://example.com?q=1#x")]
    [InlineData("http://example.com:443/", "http://example.com:443")]
    [InlineData("https://xn--bcher-kva.de/%C3%BC", "https://BÜCHER.de/ü")]
    [InlineData("https://[2606:4700::1]:8443/", "https://[2606:4700:0::1]:8443")]
    [InlineData("https://[2606:4700::1]/", "https://[2606:4700:0::1]")]
    public void Blocks_UrlHash_UsesTheCanonicalForm(string canonical, string url)
    {
        var verdict = TargetUrl.Check(url, Policy);
        Assert.True(verdict.IsAccepted, verdict.Problem);
        Assert.Equal(canonical, Blocklist.Canonicalise(verdict.Host, verdict.Location));

        var list = Read("sha256:" + Hash(canonical));
        Assert.True(IsBlocked(list, url));
        Assert.False(IsBlocked(list, "https://other.example/"));
    }

    [Fact]
    public void Parse_LinesInError_AreSkippedAndReported()
    {
        var parse = Blocklist.Parse(
            new StringReader(
                "good.com\nhttps://x.com/\nsha256:1234567\nsha256:zzzzzzzz\n*.x.com\n0.0.0.0 x.com\nx..com\n256.1.1.1\nsha256:"
                    + new string('a', 65)
                    + "\nalso.good.com"
            )
        );

        Assert.Equal(2, parse.List.Count);
        Assert.Equal(8, parse.ErrorCount);
        Assert.Equal([2, 3, 4, 5, 6, 7, 8, 9], parse.Errors.Select(error => error.Line));
        Assert.All(parse.Errors, error => Assert.EndsWith(".", error.Reason, StringComparison.Ordinal));
        Assert.True(IsBlocked(parse.List, "https://also.good.com"));
        Assert.False(IsBlocked(parse.List, "https://x.com"));
    }

    [Fact]
    public void Parse_ManyErrors_ReportsTheFirst()
    {
        var parse = Blocklist.Parse(new StringReader(string.Concat(Enumerable.Repeat("a b\n", 1_000))));
        Assert.Equal(1_000, parse.ErrorCount);
        Assert.Equal(Blocklist.MaxReportedErrors, parse.Errors.Count);
    }

    [Fact]
    public void Empty_BlocksNothing()
    {
        Assert.Equal(0, Blocklist.Empty.Count);
        Assert.False(IsBlocked(Blocklist.Empty, "https://evil.com/"));
    }

    private static Blocklist Read(string text)
    {
        var parse = Blocklist.Parse(new StringReader(text));
        Assert.Empty(parse.Errors);
        return parse.List;
    }

    internal static bool IsBlocked(Blocklist list, string url)
    {
        var verdict = TargetUrl.Check(url, Policy);
        Assert.True(verdict.IsAccepted, verdict.Problem);
        return list.Blocks(verdict.Host, verdict.Location);
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text)));
}
