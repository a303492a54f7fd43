using System.Net;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using UrlShortener.Runtime.Abuse;
using Xunit;

namespace UrlShortener.Runtime.Tests.Abuse;

public class TargetUrlTests
{
    private static readonly TargetPolicy Policy = new(
        TargetPolicy.DefaultMaxLength, AllowPrivateHosts: false, new HashSet<string> { "Sho.rt", "links.example.org.", "kürz.de", "9.9.9.9" });

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
        foreach (var (url, where) in new[]
        {
            ($"{invisible}https://example.com/", "begins"), ($"https://example.com/{invisible}", "ends"), ($"https://example.com{invisible}", "ends"),
            ($" https://example.com/?q=1{invisible} ", "ends"), ($"https://example.com/#x{invisible}", "ends"),
        })
        {
            var verdict = TargetUrl.Check(url, new TargetPolicy(TargetPolicy.DefaultMaxLength, AllowPrivateHosts: false, new HashSet<string>()));
            Assert.False(verdict.IsAccepted, url);
            Assert.Contains($"{where} with an invisible character (U+{codePoint:X4})", verdict.Problem, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("http://example.com", "example.com")]
    [InlineData("https://example.com/", "example.com")]
    [InlineData("HTTPS://EXAMPLE.com/A/../b/./%7e%zz?q=%20&R=1#Frag#ment", "example.com")]
    [InlineData("HtTp://example.com:8080/", "example.com")]
    [InlineData("http://example.com:1", "example.com")]
    [InlineData("http://example.com:65535/", "example.com")]
    [InlineData("http://example.com:00080/", "example.com")]
    [InlineData("https://example.com?x=http://localhost/", "example.com")]
    [InlineData("https://example.com#@localhost", "example.com")]
    [InlineData("https://example.com/@user", "example.com")]
    [InlineData("https://example.com/?mail=a@b.example&x=a:b", "example.com")]
    [InlineData("https://example.com//two//slashes", "example.com")]
    [InlineData("https://example.com./", "example.com")]
    [InlineData("https://my_bucket.s3.example.com/", "my_bucket.s3.example.com")]
    [InlineData("https://_dmarc.example.com/", "_dmarc.example.com")]
    [InlineData("https://r3---sn-4g5e.example.com/", "r3---sn-4g5e.example.com")]
    [InlineData("https://-edge-.example.com/", "-edge-.example.com")]
    [InlineData("https://1e100.net/", "1e100.net")]
    [InlineData("https://127.0.0.1.nip.io/", "127.0.0.1.nip.io")]
    [InlineData("https://localhost.example.com/", "localhost.example.com")]
    [InlineData("https://notlocal.com/", "notlocal.com")]
    [InlineData("https://mylan.thelan.net/", "mylan.thelan.net")]
    [InlineData("https://xn--bcher-kva.example.com/", "xn--bcher-kva.example.com")]
    [InlineData("https://XN--BCHER-KVA.example.com/", "xn--bcher-kva.example.com")]
    [InlineData("https://8.8.8.8/dns", "8.8.8.8")]
    [InlineData("https://1.1.1.1:8443", "1.1.1.1")]
    [InlineData("https://172.15.255.255/", "172.15.255.255")]
    [InlineData("https://172.32.0.1/", "172.32.0.1")]
    [InlineData("https://100.63.255.255/", "100.63.255.255")]
    [InlineData("https://100.128.0.0/", "100.128.0.0")]
    [InlineData("https://198.17.255.255/", "198.17.255.255")]
    [InlineData("https://198.20.0.0/", "198.20.0.0")]
    [InlineData("https://223.255.255.255/", "223.255.255.255")]
    [InlineData("https://[2606:4700:4700::1111]/", "[2606:4700:4700::1111]")]
    [InlineData("https://[2606:4700:4700:0:0:0:0:1111]:443/", "[2606:4700:4700::1111]")]
    [InlineData("https://[::ffff:8.8.8.8]/", "[::ffff:8.8.8.8]")]
    [InlineData("https://[64:ff9b::808:808]/", "[64:ff9b::808:808]")]
    [InlineData("https://[2002:808:808::1]/", "[2002:808:808::1]")]
    [InlineData("https://example.com/[a]{b}|c^d`e'f", "example.com")]
    [InlineData("https://example.com/?$&+,;=!*()", "example.com")]
    public void Check_PublicAsciiUrl_IsKeptVerbatim(string url, string host)
    {
        var verdict = TargetUrl.Check(url, Policy);

        Assert.True(verdict.IsAccepted, verdict.Problem);
        Assert.Equal(url, verdict.Location);
        Assert.Equal(host, verdict.Host);
        Assert.False(verdict.IsConfusable);
        Assert.Null(verdict.Problem);
    }

    [Theory]
    [InlineData("  https://example.com/ ", "https://example.com/", "example.com")]
    [InlineData("https://example.com/Grüße?q=ü#ä", "https://example.com/Gr%C3%BC%C3%9Fe?q=%C3%BC#%C3%A4", "example.com")]
    [InlineData("https://example.com/日本", "https://example.com/%E6%97%A5%E6%9C%AC", "example.com")]
    [InlineData("https://example.com/😀", "https://example.com/%F0%9F%98%80", "example.com")]
    [InlineData("https://example.com/\u202egpj.exe", "https://example.com/%E2%80%AEgpj.exe", "example.com")]
    [InlineData("https://example.com/%C3%BC/ü/%zz", "https://example.com/%C3%BC/%C3%BC/%zz", "example.com")]
    [InlineData("https://example.com/\"><script>", "https://example.com/%22%3E%3Cscript%3E", "example.com")]
    [InlineData("https://Bücher.example.com:8443/A", "https://xn--bcher-kva.example.com:8443/A", "xn--bcher-kva.example.com")]
    [InlineData("https://BÜCHER.DE", "https://xn--bcher-kva.de", "xn--bcher-kva.de")]
    [InlineData("https://bücher.de?x", "https://xn--bcher-kva.de?x", "xn--bcher-kva.de")]
    [InlineData("https://straße.de/", "https://xn--strae-oqa.de/", "xn--strae-oqa.de")]
    [InlineData("https://straẞe.de/", "https://xn--strae-oqa.de/", "xn--strae-oqa.de")]
    [InlineData("https://STRAẞE.de/", "https://xn--strae-oqa.de/", "xn--strae-oqa.de")]
    [InlineData("https://example.com/\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F", "https://example.com/%F0%9F%8F%B4%F3%A0%81%A7%F3%A0%81%A2%F3%A0%81%A5%F3%A0%81%AE%F3%A0%81%A7%F3%A0%81%BF", "example.com")]
    [InlineData("https://example.com/❤️", "https://example.com/%E2%9D%A4%EF%B8%8F", "example.com")]
    [InlineData("https://example.com/می\u200cخواهم", "https://example.com/%D9%85%DB%8C%E2%80%8C%D8%AE%D9%88%D8%A7%D9%87%D9%85", "example.com")]
    [InlineData("https://日本語。jp/", "https://xn--wgv71a119e.jp/", "xn--wgv71a119e.jp")]
    [InlineData("https://ｅｘａｍｐｌｅ．ｃｏｍ/", "https://example.com/", "example.com")]
    [InlineData("https://exa\u00admple.com/", "https://example.com/", "example.com")]
    [InlineData("https://☃.net/", "https://xn--n3h.net/", "xn--n3h.net")]
    [InlineData("https://134744072/", "https://8.8.8.8/", "8.8.8.8")]
    [InlineData("https://0x8.8.010.8./", "https://8.8.8.8/", "8.8.8.8")]
    [InlineData("https://８.８.８.８/", "https://8.8.8.8/", "8.8.8.8")]
    public void Check_UrlThatIsNotPlain_IsMadeAscii(string url, string location, string host)
    {
        var verdict = TargetUrl.Check(url, Policy);

        Assert.True(verdict.IsAccepted, verdict.Problem);
        Assert.Equal(location, verdict.Location);
        Assert.Equal(host, verdict.Host);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("example.com")]
    [InlineData("//example.com/")]
    [InlineData("/path")]
    [InlineData("http:example.com")]
    [InlineData("http:/example.com")]
    [InlineData("http//example.com")]
    [InlineData("http :// example.com")]
    [InlineData("ftp://example.com/")]
    [InlineData("javascript:alert(1)")]
    [InlineData("javascript://example.com/%0aalert(1)")]
    [InlineData("data:text/html,x")]
    [InlineData("file:///etc/passwd")]
    [InlineData("blob:https://example.com/x")]
    [InlineData("view-source:https://example.com/")]
    [InlineData("httpſ://example.com/")]
    [InlineData("ｈttps://example.com/")]
    public void Check_NotAnAbsoluteWebUrl_IsRefused(string? url) => AssertRefused(url, OpenPolicy);

    [Theory]
    [InlineData("https://example.com/\r\nSet-Cookie: a=b")]
    [InlineData("https://example.com/\n")]
    [InlineData("\thttps://example.com/")]
    [InlineData("ht\ntps://example.com/")]
    [InlineData("https://exa\tmple.com/")]
    [InlineData("https://example.com/\0")]
    [InlineData("https://example.com/\u007f")]
    [InlineData("https://example.com/\u0085")]
    [InlineData("https://example.com/a b")]
    [InlineData("https://example.com/a\u00a0b")]
    [InlineData("https://example.com/\u3000")]
    [InlineData("https://example.com/\u2028x")]
    [InlineData("\u00a0https://example.com/")]
    [InlineData("https:\\\\example.com/")]
    [InlineData("https://example.com\\@evil.com/")]
    [InlineData("https://example.com/a\\b")]
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
    [InlineData("https://user@example.com/")]
    [InlineData("https://user:secret@example.com/")]
    [InlineData("https://@example.com/")]
    [InlineData("https://example.com@evil.com/")]
    [InlineData("https://example.com:443@evil.com:443/")]
    [InlineData("https://example.com＠evil.com/")]
    [InlineData("https:///path")]
    [InlineData("https://")]
    [InlineData("https://?query")]
    [InlineData("https://#fragment")]
    [InlineData("https:////example.com")]
    [InlineData("https://:443/")]
    [InlineData("https://example.com:/")]
    [InlineData("https://example.com:0/")]
    [InlineData("https://example.com:65536/")]
    [InlineData("https://example.com:999999/")]
    [InlineData("https://example.com:80a/")]
    [InlineData("https://example.com:-1/")]
    [InlineData("https://example.com:+80/")]
    [InlineData("https://example.com:８０/")]
    [InlineData("https://example.com:80:80/")]
    [InlineData("https://example.com：80/")]
    [InlineData("https://ex%61mple.com/")]
    [InlineData("https://example.com%2f.evil.com/")]
    [InlineData("https://example.com%00.evil.com/")]
    [InlineData("https://exam％ple.com/")]
    [InlineData("https://example..com/")]
    [InlineData("https://.example.com/")]
    [InlineData("https://example.com../")]
    [InlineData("https://./")]
    [InlineData("https://../")]
    [InlineData("https://exa,mple.com/")]
    [InlineData("https://exa!mple.com/")]
    [InlineData("https://exa|mple.com/")]
    [InlineData("https://exa^mple.com/")]
    [InlineData("https://<example>.com/")]
    [InlineData("https://example.com;evil.com/")]
    [InlineData("https://example.com℀.evil.com/")]
    [InlineData("https://example.com／.evil.com/")]
    [InlineData("https://example.com？.evil.com/")]
    [InlineData("https://example.com＃.evil.com/")]
    [InlineData("https://a\u202eb.com/")]
    [InlineData("https://a\u200db.com/")]
    [InlineData("https://ﷺ.com/")]
    [InlineData("https://xn--a.com/")]
    [InlineData("https://xn--.com/")]
    [InlineData("https://xn--zzzzzzz99999.com/")]
    [InlineData("https://xn--example-.com/")]
    [InlineData("https://xn--xn---epa.com/")]
    [InlineData("https://ü-.com/")]
    [InlineData("https://256.1.1.1/")]
    [InlineData("https://1.2.3.4.5/")]
    [InlineData("https://1.2.3.09/")]
    [InlineData("https://example.1/")]
    [InlineData("https://example.0x1f/")]
    [InlineData("https://4294967296/")]
    [InlineData("https://1..2/")]
    [InlineData("https://99999999999999999999999999999/")]
    [InlineData("https://١٢٧.0.0.1/")]
    [InlineData("https://[::1/")]
    [InlineData("https://::1/")]
    [InlineData("https://[]/")]
    [InlineData("https://[1::2::3]/")]
    [InlineData("https://[fe80::1%25eth0]/")]
    [InlineData("https://[fe80::1%eth0]/")]
    [InlineData("https://[2606:4700::1111]x/")]
    [InlineData("https://[2606:4700::1111/64]/")]
    [InlineData("https://[::ffff:010.0.0.1]/")]
    [InlineData("https://[8.8.8.8]/")]
    [InlineData("https://[v1.x]/")]
    [InlineData("https://a[::1]/")]
    public void Check_MalformedAuthority_IsRefused(string url) => AssertRefused(url, OpenPolicy);

    [Theory]
    [InlineData("http://localhost/")]
    [InlineData("http://LOCALHOST:8080/")]
    [InlineData("http://localhost./")]
    [InlineData("http://ｌocalhost/")]
    [InlineData("http://a.localhost/")]
    [InlineData("http://printer.local/")]
    [InlineData("http://db.svc.cluster.local/")]
    [InlineData("http://shortener.default.svc/")]
    [InlineData("http://metadata.google.internal/")]
    [InlineData("http://host.docker.internal/")]
    [InlineData("http://nas.home.arpa/")]
    [InlineData("http://nas.lan/")]
    [InlineData("http://nas.home/")]
    [InlineData("http://wiki.corp/")]
    [InlineData("http://wiki.intranet/")]
    [InlineData("http://wiki.private/")]
    [InlineData("http://shop.test/")]
    [InlineData("http://nowhere.invalid/")]
    [InlineData("http://a.localdomain/")]
    [InlineData("http://intranet/")]
    [InlineData("http://com/")]
    [InlineData("http://com./")]
    [InlineData("http://bücher/")]
    [InlineData("http://127.0.0.1/")]
    [InlineData("http://127.0.0.1./")]
    [InlineData("http://127.1/")]
    [InlineData("http://127.0.1/")]
    [InlineData("http://2130706433/")]
    [InlineData("http://0x7f000001/")]
    [InlineData("http://0X7F.1/")]
    [InlineData("http://0177.0.0.1/")]
    [InlineData("http://017700000001/")]
    [InlineData("http://0x7f.0x0.0x0.0x1/")]
    [InlineData("http://00000000000000000000000000000000177.1/")]
    [InlineData("http://0x/")]
    [InlineData("http://0/")]
    [InlineData("http://0.0.0.0/")]
    [InlineData("http://127。0。0。1/")]
    [InlineData("http://127．0．0．1/")]
    [InlineData("http://127｡0｡0｡1/")]
    [InlineData("http://１２７.0.0.1/")]
    [InlineData("http://①②⑦.0.0.1/")]
    [InlineData("http://𝟏𝟐𝟕.0.0.1/")]
    [InlineData("http://127.0.0.\u00ad1/")]
    [InlineData("http://０ｘ７ｆ。１/")]
    [InlineData("http://10.0.0.1/")]
    [InlineData("http://10.255.255.255/")]
    [InlineData("http://172.16.0.1/")]
    [InlineData("http://172.31.255.255/")]
    [InlineData("http://192.168.1.1/")]
    [InlineData("http://192.168.257/")]
    [InlineData("http://100.64.0.1/")]
    [InlineData("http://100.127.255.255/")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("http://0xa9fea9fe/")]
    [InlineData("http://192.0.0.8/")]
    [InlineData("http://192.0.2.1/")]
    [InlineData("http://198.51.100.1/")]
    [InlineData("http://203.0.113.1/")]
    [InlineData("http://192.88.99.1/")]
    [InlineData("http://198.18.0.1/")]
    [InlineData("http://198.19.255.255/")]
    [InlineData("http://224.0.0.1/")]
    [InlineData("http://239.255.255.255/")]
    [InlineData("http://240.0.0.1/")]
    [InlineData("http://255.255.255.255/")]
    [InlineData("http://4294967295/")]
    [InlineData("http://[::1]/")]
    [InlineData("http://[0:0:0:0:0:0:0:1]:8080/")]
    [InlineData("http://[::]/")]
    [InlineData("http://[fc00::1]/")]
    [InlineData("http://[fd12:3456::1]/")]
    [InlineData("http://[fe80::1]/")]
    [InlineData("http://[fec0::1]/")]
    [InlineData("http://[ff02::1]/")]
    [InlineData("http://[::ffff:127.0.0.1]/")]
    [InlineData("http://[::ffff:7f00:1]/")]
    [InlineData("http://[::FFFF:A9FE:A9FE]/")]
    [InlineData("http://[::ffff:10.1.2.3]/")]
    [InlineData("http://[::ffff:192.168.1.1]/")]
    [InlineData("http://[::127.0.0.1]/")]
    [InlineData("http://[64:ff9b::127.0.0.1]/")]
    [InlineData("http://[64:ff9b::a00:1]/")]
    [InlineData("http://[64:ff9b:1::808:808]/")]
    [InlineData("http://[2002:7f00:1::]/")]
    [InlineData("http://[2002:c0a8:101::1]/")]
    [InlineData("http://[2001:0:4136:e378::1]/")]
    [InlineData("http://[2001:db8::1]/")]
    [InlineData("http://[3fff::1]/")]
    [InlineData("http://[100::1]/")]
    [InlineData("http://[4000::1]/")]
    public void Check_PrivateHost_IsRefusedUnlessAllowed(string url)
    {
        AssertRefused(url, Policy);
        Assert.True(TargetUrl.Check(url, OpenPolicy).IsAccepted);
    }

    [Theory]
    [InlineData("https://sho.rt/abc")]
    [InlineData("https://SHO.RT:8443/abc")]
    [InlineData("https://sho.rt./abc")]
    [InlineData("https://ｓｈｏ。ｒｔ/abc")]
    [InlineData("https://links.example.org/")]
    [InlineData("https://kürz.de/")]
    [InlineData("https://KÜRZ.de./")]
    [InlineData("https://xn--krz-hoa.de/")]
    [InlineData("https://XN--KRZ-HOA.DE/")]
    [InlineData("https://9.9.9.9/")]
    [InlineData("https://0x9.9.2313/")]
    public void Check_OwnHost_IsRefused(string url)
    {
        AssertRefused(url, OpenPolicy);
        Assert.Contains("loop", TargetUrl.Check(url, OpenPolicy).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_SubdomainOfOwnHost_IsAccepted() => Assert.True(TargetUrl.Check("https://www.sho.rt/", Policy).IsAccepted);

    [Theory]
    [InlineData("аррӏе.com", true)] // wholly Cyrillic
    [InlineData("xn--80ak6aa92e.com", true)]
    [InlineData("www.xn--80ak6aa92e.com", true)]
    [InlineData("аррӏе1.com", true)]
    [InlineData("аррӏе.рф", false)] // an ordinary name below a Cyrillic suffix
    [InlineData("pаypal.com", true)] // one Cyrillic letter
    [InlineData("xn--pypal-4ve.com", true)]
    [InlineData("gοogle.com", true)] // one Greek letter
    [InlineData("ικαν.com", true)] // wholly Greek
    [InlineData("օօս.com", true)] // wholly Armenian
    [InlineData("gօogle.com", true)] // Armenian in Latin
    [InlineData("goᴏgle.com", true)] // phonetic small capital
    [InlineData("ɡoogle.com", true)] // script g
    [InlineData("exampleꭺ.com", true)] // Cherokee, small
    [InlineData("a\u05d0b.com", true)] // Hebrew in Latin
    [InlineData("example.com\u2215login.net", true)] // division slash
    [InlineData("привет.com", false)]
    [InlineData("яндекс.рф", false)]
    [InlineData("ελλάδα.gr", false)]
    [InlineData("bücher.de", false)]
    [InlineData("tiếng-việt.vn", false)]
    [InlineData("əhməd.az", false)]
    [InlineData("日本語テキスト.jp", false)]
    [InlineData("toyotaトヨタ.jp", false)]
    [InlineData("sonyのストア.jp", false)]
    [InlineData("中文abc.cn", false)]
    [InlineData("한국abc.kr", false)]
    [InlineData("韓国한국.kr", false)]
    [InlineData("한국の.kr", true)] // Hangul with Hiragana
    [InlineData("ไทย.com", false)]
    [InlineData("भारत.com", false)]
    [InlineData("مثال.com", false)]
    [InlineData("☃.net", false)]
    [InlineData("😀shop.com", false)]
    [InlineData("paypa1.com", false)]
    [InlineData("example.com", false)]
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
        var url = Prefix + new string('a', TargetPolicy.DefaultMaxLength - Prefix.Length);

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
            "http", "https", "://", ":", "/", "//", "\\", "@", "?", "#", "%", "%2f", "%00", ".", "。", "．", "..", "[", "]", "::", "::1", "ffff", "0x", "0x7f",
            "127", "１２７", "10", "1", "256", "010", "localhost", "example", "com", "local", "xn--", "xn--80ak6aa92e", "ü", "аррӏе", "日本", "a", "-", "_", " ",
            "\t", "\r\n", "\0", "\u00ad", "\u200d", "\u202e", "\ud800", "😀", "℀", "／", "＠", "：", "80", "65536", "user:pw@", "<", "\"", "İ", "ß", "ﷺ",
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
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4",
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
        return Prop.ForAll(spelling.ToArbitrary(), host =>
        {
            var open = TargetUrl.Check($"http://{host}/", OpenPolicy);
            Assert.True(open.IsAccepted, $"{host}: {open.Problem}");
            AssertRefused($"http://{host}/", Policy);
            Assert.Equal(IPAddress.Parse(open.Host).ToString(), open.Host);
            AssertRefused($"http://[::ffff:{open.Host}]/", Policy);
            AssertRefused($"http://[64:ff9b::{open.Host}]/", Policy);
        });
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
            numbers.Add(radix[i] switch
            {
                0 => number.ToString(null, null),
                1 => "0x" + new string('0', zeros) + number.ToString("x", null),
                2 => "0X" + new string('0', zeros) + number.ToString("X", null),
                _ => "0" + new string('0', zeros) + Convert.ToString(number, 8),
            });
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
            var roomy = policy with { MaxLength = 100_000 };
            Assert.Equal(verdict, TargetUrl.Check(verdict.Location, roomy));
        }
    }
}
