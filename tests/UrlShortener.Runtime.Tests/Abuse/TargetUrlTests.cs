using System.Net;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using UrlShortener.Runtime.Abuse;
using Xunit;

namespace UrlShortener.Runtime.Tests.Abuse;

public class TargetUrlTests
{
    private const int MaxLength = 2_048;

    private static readonly TargetPolicy Policy = new(
        MaxLength,
        AllowPrivateHosts: false,
        new HashSet<string> { "Sho.rt", "links.example.org.", "kürz.de", "9.9.9.9" }
    );

    private static readonly TargetPolicy OpenPolicy = Policy with { AllowPrivateHosts = true };

    [Theory]
    [InlineData(0x200B)]
    [InlineData(0x200C)]
    [InlineData(0x200D)]
    [InlineData(0x200E)]
    [InlineData(0x202A)]
    [InlineData(0x202E)]
    [InlineData(0x2060)]
    [InlineData(0x2066)]
    [InlineData(0x2069)]
    [InlineData(0xFEFF)]
    [InlineData(0x00AD)]
    [InlineData(0x00A0)]
    [InlineData(0x3000)]
    [InlineData(0x061C)]
    [InlineData(0x180E)]
    [InlineData(0x2800)]
    [InlineData(0x3164)]
    [InlineData(0xE0001)]
    public void Check_InvisibleCharacterAtAnEnd_IsRefusedByName(int codePoint)
    {
        var invisible = char.ConvertFromUtf32(codePoint);
        foreach (
            var (url, where) in new[]
            {
                ($"{invisible}https://example.com/", "begins"),
                ($"https://example.com/{invisible}", "ends"),
                ($"https://example.com{invisible}", "ends"),
                ($" https://example.com/?q=1{invisible} ", "ends"),
                ($"https://example.com/#x{invisible}", "ends"),
            }
        )
        {
            var verdict = TargetUrl.Check(url, new TargetPolicy(MaxLength, AllowPrivateHosts: false, new HashSet<string>()));
            Assert.False(verdict.IsAccepted, url);
            Assert.Contains($"{where} with an invisible character (U+{codePoint:X4})", verdict.Problem, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(TargetUrlTable.Accepted), "verbatim", MemberType = typeof(TargetUrlTable))]
    public void Check_PublicAsciiUrl_IsKeptVerbatim(string url, string location, string host)
    {
        var verdict = TargetUrl.Check(url, Policy);

        Assert.True(verdict.IsAccepted, verdict.Problem);
        Assert.Equal(url, location);
        Assert.Equal(location, verdict.Location);
        Assert.Equal(host, verdict.Host);
        Assert.False(verdict.IsConfusable);
        Assert.Null(verdict.Problem);
    }

    [Theory]
    [MemberData(nameof(TargetUrlTable.Accepted), "made-ascii", MemberType = typeof(TargetUrlTable))]
    public void Check_UrlThatIsNotPlain_IsMadeAscii(string url, string location, string host)
    {
        var verdict = TargetUrl.Check(url, Policy);

        Assert.True(verdict.IsAccepted, verdict.Problem);
        Assert.Equal(location, verdict.Location);
        Assert.Equal(host, verdict.Host);
    }

    [Theory]
    [InlineData(null)]
    [MemberData(nameof(TargetUrlTable.Urls), "not-web", MemberType = typeof(TargetUrlTable))]
    public void Check_NotAnAbsoluteWebUrl_IsRefused(string? url) => AssertRefused(url, OpenPolicy);

    [Theory]
    [MemberData(nameof(TargetUrlTable.Urls), "unsafe", MemberType = typeof(TargetUrlTable))]
    public void Check_UnsafeCharacter_IsRefused(string url) => AssertRefused(url, OpenPolicy);

    // Not a theory: attribute arguments are stored as UTF-8, which has no lone surrogates.
    [Fact]
    public void Check_LoneSurrogate_IsRefused()
    {
        AssertRefused("https://example.com/\ud800", OpenPolicy);
        AssertRefused("https://example.com/\ud800a", OpenPolicy);
        AssertRefused("https://example.com/\udc00\ud800", OpenPolicy);
        AssertRefused("https://\ud800.com/", OpenPolicy);
    }

    [Theory]
    [MemberData(nameof(TargetUrlTable.Urls), "malformed", MemberType = typeof(TargetUrlTable))]
    public void Check_MalformedAuthority_IsRefused(string url) => AssertRefused(url, OpenPolicy);

    [Theory]
    [MemberData(nameof(TargetUrlTable.Urls), "private", MemberType = typeof(TargetUrlTable))]
    public void Check_PrivateHost_IsRefusedUnlessAllowed(string url)
    {
        AssertRefused(url, Policy);
        Assert.True(TargetUrl.Check(url, OpenPolicy).IsAccepted);
    }

    [Theory]
    [MemberData(nameof(TargetUrlTable.Urls), "own", MemberType = typeof(TargetUrlTable))]
    public void Check_OwnHost_IsRefused(string url)
    {
        AssertRefused(url, OpenPolicy);
        Assert.Contains("loop", TargetUrl.Check(url, OpenPolicy).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_SubdomainOfOwnHost_IsAccepted() => Assert.True(TargetUrl.Check("https://www.sho.rt/", Policy).IsAccepted);

    [Theory]
    [MemberData(nameof(TargetUrlTable.Scripts), MemberType = typeof(TargetUrlTable))]
    public void Check_Host_IsConfusableByScript(string host, bool isConfusable)
    {
        var verdict = TargetUrl.Check($"https://{host}/", Policy);

        Assert.True(verdict.IsAccepted, verdict.Problem);
        Assert.Equal(isConfusable, verdict.IsConfusable);
        var again = TargetUrl.Check($"https://{verdict.Host}/", Policy);
        Assert.Equal(isConfusable, again.IsConfusable);
    }

    [Fact]
    public void Check_LengthAtLimit_IsAccepted()
    {
        const string Prefix = "https://example.com/";
        var url = Prefix + new string('a', MaxLength - Prefix.Length);

        Assert.True(TargetUrl.Check(url, Policy).IsAccepted);
        Assert.Contains("2048", TargetUrl.Check(url + "a", Policy).Problem, StringComparison.Ordinal);
        AssertRefused(url + " ", Policy);
    }

    [Fact]
    public void Check_EncodedFormTooLong_IsRefused()
    {
        AssertRefused("https://example.com/" + new string('日', 1_000), Policy);
        Assert.True(TargetUrl.Check("https://example.com/" + new string('日', 700), Policy).IsAccepted);
    }

    [Theory]
    [InlineData(63, true)]
    [InlineData(64, false)]
    public void Check_LabelLength_IsLimited(int length, bool isAccepted) =>
        Assert.Equal(isAccepted, TargetUrl.Check($"https://{new string('a', length)}.com/", Policy).IsAccepted);

    [Theory]
    [InlineData(253, true)]
    [InlineData(254, false)]
    [InlineData(2_000, false)]
    public void Check_HostLength_IsLimited(int length, bool isAccepted)
    {
        var host = new string('a', 60) + string.Concat(Enumerable.Repeat(".bb", (length - 60) / 3)) + new string('b', (length - 60) % 3);
        Assert.Equal(length, host.Length);
        Assert.Equal(isAccepted, TargetUrl.Check($"https://{host}/", Policy).IsAccepted);
    }

    [Theory]
    [InlineData("http://[::ffff:203.0.114.7]/x")]
    [InlineData("http://[64:ff9b::cb00:7207]/x")]
    [InlineData("http://[2002:cb00:7207::1]/x")]
    public void Check_Ipv6AddressThatLeadsToAnOwnIpv4Address_IsRefused(string url)
    {
        var policy = new TargetPolicy(MaxLength, AllowPrivateHosts: false, new HashSet<string> { "203.0.114.7" });

        var verdict = TargetUrl.Check(url, policy);

        Assert.False(verdict.IsAccepted);
        Assert.Contains("loop", verdict.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void TargetPolicy_UnusableOwnHost_NamesIt()
    {
        var error = Assert.Throws<ArgumentException>(() => new TargetPolicy(10, false, new HashSet<string> { "https://sho.rt/" }));
        Assert.Contains("https://sho.rt/", error.Message, StringComparison.Ordinal);
    }

    [Property(MaxTest = 2_000)]
    public void Check_ArbitraryString_GivesAVerdict(string? url) => AssertSound(url);

    [Property(MaxTest = 5_000)]
    public Property Check_UrlLikeString_GivesASoundVerdict()
    {
        string[] fragments =
        [
            "http",
            "https",
            "://",
            ":",
            "/",
            "//",
            "\\",
            "@",
            "?",
            "#",
            "%",
            "%2f",
            "%00",
            ".",
            "。",
            "．",
            "..",
            "[",
            "]",
            "::",
            "::1",
            "ffff",
            "0x",
            "0x7f",
            "127",
            "１２７",
            "10",
            "1",
            "256",
            "010",
            "localhost",
            "example",
            "com",
            "local",
            "xn--",
            "xn--80ak6aa92e",
            "ü",
            "аррӏе",
            "日本",
            "a",
            "-",
            "_",
            " ",
            "\t",
            "\r\n",
            "\0",
            "\u00ad",
            "\u200d",
            "\u202e",
            "\ud800",
            "😀",
            "℀",
            "／",
            "＠",
            "：",
            "80",
            "65536",
            "user:pw@",
            "<",
            "\"",
            "İ",
            "ß",
            "ﷺ",
        ];
        var text = Gen.Elements(fragments).ListOf().Select(parts => string.Concat(parts));
        var url = Gen.Elements("", "http://", "https://", "https://example.com", "https://example.com/", "https://[").Zip(text, (start, rest) => start + rest);
        return Prop.ForAll(url.ToArbitrary(), AssertSound);
    }

    [Property(MaxTest = 3_000)]
    public Property Check_PrivateIpv4InAnySpelling_IsRefused()
    {
        string[] networks =
        [
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ];
        var spelling =
            from network in Gen.Elements(networks)
            from low in Gen.Choose(0, int.MaxValue)
            from parts in Gen.Choose(1, 4)
            from radix in Gen.Choose(0, 3).ArrayOf(4)
            from zeros in Gen.Choose(0, 3)
            from dot in Gen.Elements(".", "。", "．", "｡")
            from isWide in Gen.Elements(true, false)
            from end in Gen.Elements("", ".")
            select Spell(IPNetwork.Parse(network), (uint)low, parts, radix, zeros, dot, isWide) + end;
        return Prop.ForAll(
            spelling.ToArbitrary(),
            host =>
            {
                var open = TargetUrl.Check($"http://{host}/", OpenPolicy);
                Assert.True(open.IsAccepted, $"{host}: {open.Problem}");
                AssertRefused($"http://{host}/", Policy);
                Assert.Equal(IPAddress.Parse(open.Host).ToString(), open.Host);
                AssertRefused($"http://[::ffff:{open.Host}]/", Policy);
                AssertRefused($"http://[64:ff9b::{open.Host}]/", Policy);
            }
        );
    }

    private static string Spell(IPNetwork network, uint low, int parts, int[] radix, int zeros, string dot, bool isWide)
    {
        var octets = network.BaseAddress.GetAddressBytes();
        var address = ((uint)octets[0] << 24) | ((uint)octets[1] << 16) | ((uint)octets[2] << 8) | octets[3];
        address |= low & (uint)(0xFFFFFFFFUL >> network.PrefixLength);
        var numbers = new List<string>();
        for (var i = 0; i < parts; i++)
        {
            var number = i == parts - 1 ? address & (uint)(0xFFFFFFFFUL >> (8 * i)) : (address >> (24 - (8 * i))) & 0xFF;
            numbers.Add(
                radix[i] switch
                {
                    0 => number.ToString(null, null),
                    1 => "0x" + new string('0', zeros) + number.ToString("x", null),
                    2 => "0X" + new string('0', zeros) + number.ToString("X", null),
                    _ => "0" + new string('0', zeros) + Convert.ToString(number, 8),
                }
            );
        }

        var host = string.Join(dot, numbers);
        return isWide ? string.Concat(host.Select(c => char.IsAsciiLetterOrDigit(c) ? (char)(c + 0xFEE0) : c)) : host;
    }

    private static void AssertRefused(string? url, TargetPolicy policy)
    {
        var verdict = TargetUrl.Check(url, policy);
        Assert.False(verdict.IsAccepted, $"{verdict.Location} {verdict.Host}");
        Assert.False(string.IsNullOrWhiteSpace(verdict.Problem));
        Assert.Null(verdict.Location);
        Assert.Null(verdict.Host);
    }

    private static void AssertSound(string? url)
    {
        foreach (var policy in (TargetPolicy[])[Policy, OpenPolicy])
        {
            var verdict = TargetUrl.Check(url, policy);
            if (!verdict.IsAccepted)
            {
                Assert.EndsWith(".", verdict.Problem, StringComparison.Ordinal);
                continue;
            }

            Assert.All(verdict.Location, c => Assert.InRange(c, '!', '~'));
            Assert.True(Uri.TryCreate(verdict.Location, UriKind.Absolute, out var uri));
            Assert.True(uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps);
            Assert.Empty(uri.UserInfo);
            Assert.Equal(verdict.Host, verdict.Host.ToLowerInvariant());

            // Checking what was accepted changes nothing.
            var roomy = policy with
            {
                MaxLength = 100_000,
            };
            Assert.Equal(verdict, TargetUrl.Check(verdict.Location, roomy));
        }
    }
}
