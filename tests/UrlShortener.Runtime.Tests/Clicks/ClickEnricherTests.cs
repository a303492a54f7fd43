using System.Net;
using System.Text;
using FsCheck.Xunit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Clicks;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks;

public sealed class ClickEnricherTests : IDisposable
{
    private static readonly byte[] Salt = ClickSalt.Make();
    private static readonly byte[] OtherSalt = ClickSalt.Make();

    private readonly ClickEnricher _enricher = new(null);

    public void Dispose() => _enricher.Dispose();

    [Fact]
    public void Enrich_Click_KeepsCodeAndTime()
    {
        var stored = _enricher.Enrich(Click() with { ShortCode = "abcd", At = 1_790_000_000_123 }, Salt);

        Assert.Equal(("abcd", DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123)), (stored.ShortCode, stored.At));
    }

    [Fact]
    public void Enrich_SameAddress_HasOneHashPerSalt()
    {
        var first = Hash("192.0.2.1", Salt);

        Assert.Matches("^[0-9a-f]{64}$", first.ToString());
        Assert.Equal(first, Hash("192.0.2.1", Salt));
        Assert.NotEqual(first, Hash("192.0.2.2", Salt));
        Assert.NotEqual(first, Hash("192.0.2.1", OtherSalt));
        // The memory of one salt must not leak into the next.
        Assert.Equal(first, Hash("192.0.2.1", Salt));
    }

    [Fact]
    public void Enrich_Ipv6_IsHashedByItsNetwork()
    {
        Assert.Equal(Hash("2001:db8:1:2::1", Salt), Hash("2001:db8:1:2:ffff::9", Salt));
        Assert.NotEqual(Hash("2001:db8:1:2::1", Salt), Hash("2001:db8:1:3::1", Salt));
        Assert.Equal(Hash("192.0.2.1", Salt), Hash("::ffff:192.0.2.1", Salt));
        Assert.NotEqual(Hash("::ffff:192.0.2.1", Salt), Hash("::ffff:192.0.2.2", Salt));
    }

    // Made by OpenSSL's SIPHASH, once under each key.
    [Fact]
    public void Enrich_Address_HashIsSipHashOfItsBytesUnderBothKeys()
    {
        byte[] salt = [2, .. Enumerable.Range(0, 32).Select(i => (byte)i)];

        Assert.Equal("f6abde6213bbaab95a4c1b4a8b71e7b1ccffc1641c6bb007787416fb442dcd6c", Hash("192.0.2.1", salt).ToString());
        Assert.Equal("7dc442db10c6ee6d47d9b9c069cbcfd23408d3c4e7b64ced8a414c6e41ef5c0f", Hash("2001:db8:1:2::1", salt).ToString());
    }

    // The same as releases made that have made this salt: in a rollout both count a visitor once. Made by Python's hmac.
    [Fact]
    public void Enrich_SaltOfAnEarlierRelease_HashIsHmacSha256OfTheBytes()
    {
        var salt = Enumerable.Range(0, 32).Select(i => (byte)i).ToArray();

        Assert.Equal("1b7fac6f9fb86d0bbede55cc04e3b416647f83b97837031419a9d478c672c68d", Hash("192.0.2.1", salt).ToString());
        Assert.Equal("79f7ae96412a984721ca447220a27de39426dd26ec1a89e3b62b990e5aec8694", Hash("2001:db8:1:2::1", salt).ToString());
    }

    [Fact]
    public void Enrich_NoAddress_HasNoHash() => Assert.True(_enricher.Enrich(Click() with { Address = null }, Salt).IpHash.IsNone);

    [Fact]
    public void Enrich_DoNotTrack_DropsHashAndCityAndKeepsTheCountry()
    {
        var folder = Directory.CreateTempSubdirectory("geo");
        try
        {
            var path = Path.Combine(folder.FullName, "geo.mmdb");
            new MmdbWriter().Add("1.2.3.0/24", MmdbWriter.Nested("DE", "Berlin")).WriteTo(path);
            using var geo = new GeoDatabase(path, new FakeTimeProvider(), NullLogger<GeoDatabase>.Instance);
            using var enricher = new ClickEnricher(geo);

            var tracked = enricher.Enrich(Click() with { Address = IPAddress.Parse("1.2.3.4") }, Salt);
            var untracked = enricher.Enrich(Click() with { Address = IPAddress.Parse("1.2.3.4"), DoNotTrack = true }, Salt);

            Assert.Equal(("DE", "Berlin"), (tracked.Country, tracked.City));
            Assert.False(tracked.IpHash.IsNone);
            Assert.Equal(("DE", null, true), (untracked.Country, untracked.City, untracked.IpHash.IsNone));
            // What a trusted proxy says comes first.
            Assert.Equal("FR", enricher.Enrich(Click() with { Address = IPAddress.Parse("1.2.3.4"), Country = "fr" }, Salt).Country);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("DE", "DE")]
    [InlineData("de", "DE")]
    [InlineData("XX", null)]
    [InlineData("xx", null)]
    [InlineData("T1", null)]
    [InlineData("ZZ", null)]
    [InlineData("zz", null)]
    [InlineData("D", null)]
    [InlineData("DEU", null)]
    [InlineData("", null)]
    [InlineData("ÄÖ", null)]
    [InlineData("😀", null)]
    [InlineData(null, null)]
    public void Enrich_CountryHeader_IsTwoLettersOrIgnored(string? header, string? expected) =>
        Assert.Equal(expected, _enricher.Enrich(Click() with { Country = header }, Salt).Country);

    [Theory]
    [InlineData("https://news.example.com/a/b?token=secret#part", "https://news.example.com/a/b", "news.example.com")]
    [InlineData("https://www.example.com", "https://www.example.com/", "example.com")]
    [InlineData("https://WWW.Example.COM/Path", "https://www.example.com/Path", "example.com")]
    [InlineData("http://example.com:8080/x", "http://example.com:8080/x", "example.com")]
    [InlineData("https://user:password@example.com/x", "https://example.com/x", "example.com")]
    [InlineData("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC", "xn--bcher-kva.example")]
    [InlineData("android-app://com.google.android.gm/", "android-app://com.google.android.gm/", "com.google.android.gm")]
    [InlineData("https://www./", "https://www/", "www")]
    [InlineData("https://www.example.com./x", "https://www.example.com/x", "example.com")]
    [InlineData("about:blank", null, null)]
    [InlineData("file:///etc/passwd", null, null)]
    [InlineData("javascript:alert(1)", null, null)]
    [InlineData("/relative", null, null)]
    [InlineData("not a url", null, null)]
    [InlineData("", null, null)]
    [InlineData(null, null, null)]
    public void Enrich_Referrer_IsOriginAndPathWithoutQuery(string? header, string? referrer, string? source)
    {
        var stored = _enricher.Enrich(Click() with { Referrer = header }, Salt);

        Assert.Equal((referrer, source), (stored.Referrer, stored.Source));
    }

    [Fact]
    public void Enrich_LongTexts_AreCut()
    {
        var stored = _enricher.Enrich(Click() with { Referrer = "https://example.com/" + new string('x', 600), UserAgent = new string('u', 600) }, Salt);

        Assert.Equal((512, 512), (stored.Referrer!.Length, stored.UserAgent!.Length));
        Assert.Null(_enricher.Enrich(Click() with { Referrer = "https://example.com/" + new string('x', 9_000) }, Salt).Referrer);
    }

    [Fact]
    public void Enrich_CutFallsIntoACharacter_LeavesNoHalfOfIt()
    {
        // A lone surrogate is not text: a store with strict UTF-8 refuses the whole batch.
        var stored = _enricher.Enrich(Click() with { UserAgent = new string('u', 511) + "😀😀" }, Salt);

        Assert.Equal(new string('u', 511), stored.UserAgent);
    }

    [Fact]
    public void Enrich_NulInText_IsNotKept() => Assert.Equal("a b", _enricher.Enrich(Click() with { UserAgent = "a\0b" }, Salt).UserAgent);

    [Fact]
    public void Enrich_NobodyHasSeenIt_IsCountedLikeABot() =>
        Assert.True(
            _enricher
                .Enrich(Click() with { UserAgent = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0", IsSpeculative = true }, Salt)
                .IsBot
        );

    [Fact]
    public void Enrich_Bot_IsMarked()
    {
        Assert.True(_enricher.Enrich(Click() with { UserAgent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" }, Salt).IsBot);
        Assert.False(
            _enricher.Enrich(Click() with { UserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0" }, Salt).IsBot
        );
    }

    [Fact]
    public void Enrich_MoreDistinctValuesThanAreRemembered_StaysRight()
    {
        var first = Hash("10.0.0.1", Salt);
        for (var i = 0; i < 10_000; i++)
            _enricher.Enrich(Click() with { Address = new IPAddress(0x0B000000 + i), UserAgent = $"agent {i}", Referrer = $"https://{i}.example/" }, Salt);
        Assert.Equal(first, Hash("10.0.0.1", Salt));
    }

    [Property(MaxTest = 2_000)]
    public void Enrich_ArbitraryHeaders_NeverThrowsAndKeepsTheLimits(
        string? referrer,
        string? agent,
        string? mobile,
        string? platform,
        string? country,
        IPAddress? address
    )
    {
        var stored = _enricher.Enrich(new Click("abcd", 0, address, referrer, agent, mobile, platform, country, DoNotTrack: false), Salt);

        Assert.True(stored.Referrer is null or { Length: <= 512 });
        Assert.True(stored.UserAgent is null or { Length: <= 512 });
        Assert.True(stored.Country is null or { Length: 2 });
        Assert.Equal(address is null, stored.IpHash.IsNone);
    }

    [Property(MaxTest = 2_000)]
    public void ReadReferrer_UrlLikeText_IsAsciiWithoutQuery(string? host, string? path, bool isApp)
    {
        var (referrer, source) = ClickEnricher.ReadReferrer($"{(isApp ? "android-app" : "https")}://{host}/{path}?secret=1#secret");

        Assert.Equal(referrer is null, source is null);
        if (referrer is not null)
            Assert.True(Ascii.IsValid(referrer) && !referrer.Contains("?secret", StringComparison.Ordinal), referrer);
    }

    private static Click Click() => new("abcd", 1_790_000_000_000, IPAddress.Loopback, null, "Mozilla/5.0", null, null, null, DoNotTrack: false);

    private AddressHash Hash(string address, byte[] salt) => _enricher.Enrich(Click() with { Address = IPAddress.Parse(address) }, salt).IpHash;
}
