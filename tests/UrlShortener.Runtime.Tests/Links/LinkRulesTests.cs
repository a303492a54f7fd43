using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Abuse;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Links;
using Xunit;

namespace UrlShortener.Runtime.Tests.Links;

public sealed class LinkRulesTests : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123);

    private readonly BlocklistFile _blocklist = new(null, new FakeTimeProvider(), NullLogger<BlocklistFile>.Instance);

    public void Dispose() => _blocklist.Dispose();

    [Fact]
    public void Check_TargetOnly_TakesTheDefaults()
    {
        var result = Create("""{"original_url":" https://example.com/a "}""");

        Assert.Equal(new NewLink(null, "https://example.com/a", null, 302, "{}"), result.Value);
        Assert.Empty(result.Errors);
        Assert.Null(result.Warnings);
    }

    [Fact]
    public void Check_EverythingGiven_IsTaken()
    {
        var result = Create(
            """{"original_url":"https://example.com","custom_alias":"my-Link_1","expires_in_days":3650,"redirect_type":308,"metadata":{ "a" : [1, "é"] }}"""
        );

        Assert.Equal(new NewLink("my-Link_1", "https://example.com", Now.AddDays(3_650), 308, """{"a":[1,"é"]}"""), result.Value);
    }

    [Theory]
    [InlineData("{}", "original_url", ErrorCode.InvalidUrl)]
    [InlineData("""{"original_url":""}""", "original_url", ErrorCode.InvalidUrl)]
    [InlineData("""{"original_url":"example.com"}""", "original_url", ErrorCode.InvalidUrl)]
    [InlineData("""{"original_url":"javascript:alert(1)"}""", "original_url", ErrorCode.InvalidUrl)]
    [InlineData("""{"original_url":"http://127.0.0.1/"}""", "original_url", ErrorCode.InvalidUrl)]
    [InlineData("""{"original_url":"https://sho.rt/abc"}""", "original_url", ErrorCode.InvalidUrl)]
    [InlineData("""{"original_url":"https://go.example.net/abc"}""", "original_url", ErrorCode.InvalidUrl)]
    [InlineData("""{"original_url":"https://REQUEST.example/abc"}""", "original_url", ErrorCode.InvalidUrl)]
    [InlineData("""{"original_url":"https://example.com","custom_alias":""}""", "custom_alias", ErrorCode.InvalidAlias)]
    [InlineData("""{"original_url":"https://example.com","custom_alias":"abc"}""", "custom_alias", ErrorCode.InvalidAlias)]
    [InlineData("""{"original_url":"https://example.com","custom_alias":"with space"}""", "custom_alias", ErrorCode.InvalidAlias)]
    [InlineData("""{"original_url":"https://example.com","custom_alias":"Admin"}""", "custom_alias", ErrorCode.InvalidAlias)]
    [InlineData("""{"original_url":"https://example.com","expires_in_days":0}""", "expires_in_days", ErrorCode.InvalidRequest)]
    [InlineData("""{"original_url":"https://example.com","expires_in_days":3651}""", "expires_in_days", ErrorCode.InvalidRequest)]
    [InlineData("""{"original_url":"https://example.com","expires_in_days":-2147483648}""", "expires_in_days", ErrorCode.InvalidRequest)]
    [InlineData("""{"original_url":"https://example.com","redirect_type":303}""", "redirect_type", ErrorCode.InvalidRequest)]
    [InlineData("""{"original_url":"https://example.com","redirect_type":0}""", "redirect_type", ErrorCode.InvalidRequest)]
    [InlineData("""{"original_url":"https://example.com","metadata":[]}""", "metadata", ErrorCode.InvalidRequest)]
    [InlineData("""{"original_url":"https://example.com","metadata":"text"}""", "metadata", ErrorCode.InvalidRequest)]
    [InlineData("""{"original_url":"https://example.com","metadata":1}""", "metadata", ErrorCode.InvalidRequest)]
    [InlineData("""{"original_url":"https://example.com","metadata":{"a":"\ud800"}}""", "metadata", ErrorCode.InvalidRequest)]
    [InlineData("""{"original_url":"https://example.com","metadata":{"a":"x\u0000y"}}""", "metadata", ErrorCode.InvalidRequest)]
    [InlineData("""{"original_url":"https://example.com","metadata":{"a":[{"\u0000":1}]}}""", "metadata", ErrorCode.InvalidRequest)]
    [InlineData("""{"original_url":"https://example.com","metadata":{"a":["x",{"b":"\udc00\ud800"}]}}""", "metadata", ErrorCode.InvalidRequest)]
    public void Check_OneRuleBroken_IsNamedAlone(string json, string field, string code)
    {
        var result = Create(json);

        Assert.Null(result.Value);
        var error = Assert.Single(result.Errors);
        Assert.Equal((field, code), (error.Field, error.Code));
        Assert.Contains(field, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_EveryRuleBroken_NamesAllAtOnce()
    {
        var result = Create("""{"original_url":"ftp://x","custom_alias":"?","expires_in_days":0,"redirect_type":200,"metadata":[]}""");

        Assert.Equal(["original_url", "custom_alias", "expires_in_days", "redirect_type", "metadata"], result.Errors.Select(error => error.Field));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3_650)]
    public void Check_DaysAtTheLimits_AreAccepted(int days) =>
        Assert.Equal(Now.AddDays(days), Create($$"""{"original_url":"https://example.com","expires_in_days":{{days}}}""").Value!.ExpiresAt);

    [Fact]
    public void Check_MetadataNull_IsNone() => Assert.Equal("{}", Create("""{"original_url":"https://example.com","metadata":null}""").Value!.Metadata);

    [Theory]
    [InlineData(8, true)]
    [InlineData(9, false)]
    public void Check_MetadataDepth_IsLimited(int depth, bool isGood)
    {
        var objects = string.Concat(Enumerable.Repeat("""{"a":""", depth)) + "1" + new string('}', depth);
        var lists = $$"""{"a":{{new string('[', depth - 1)}}{{new string(']', depth - 1)}}}""";

        Assert.Equal(isGood, Create($$"""{"original_url":"https://example.com","metadata":{{objects}}}""").Value is not null);
        Assert.Equal(isGood, Create($$"""{"original_url":"https://example.com","metadata":{{lists}}}""").Value is not null);
    }

    [Theory]
    [InlineData(4_088, true)]
    [InlineData(4_089, false)]
    public void Check_MetadataSize_CountsBytesWithoutWhiteSpace(int length, bool isGood)
    {
        // {"a":"…"} has 8 bytes besides the text.
        var result = Create($$"""{"original_url":"https://example.com","metadata":   {   "a"   :   "{{new string('x', length)}}"   }   }""");
        Assert.Equal(isGood, result.Value is not null);
        Assert.Equal(
            isGood,
            Create($$$"""{"original_url":"https://example.com","metadata":{"a":"{{{new string('é', length / 2)}}}{{{new string('x', length % 2)}}}"}}""").Value
                is not null
        );
    }

    [Theory]
    [InlineData(2_048, true)]
    [InlineData(2_049, false)]
    public void Check_TargetLength_IsLimited(int length, bool isGood) =>
        Assert.Equal(isGood, Create($$"""{"original_url":"https://example.com/{{new string('x', length - 20)}}"}""").Value is not null);

    [Fact]
    public void Check_PrivateHostsAllowed_AcceptsThem() =>
        Assert.NotNull(
            new LinkRules(new LinkOptions(), new AbuseOptions { AllowPrivateHosts = true }, _blocklist)
                .Check(Parse<CreateLinkRequest>("""{"original_url":"http://127.0.0.1/"}"""), "request.example", Now)
                .Value
        );

    [Fact]
    public void Check_ConfusableHost_IsAcceptedWithAWarning()
    {
        // A Cyrillic а among Latin letters.
        var result = Create("""{"original_url":"https://pаypal.com/"}""");

        Assert.NotNull(result.Value);
        Assert.Single(result.Warnings!);
    }

    [Fact]
    public async Task Check_BlockedTarget_IsNamedAsBlocked()
    {
        var folder = Directory.CreateTempSubdirectory("rules");
        try
        {
            var path = Path.Combine(folder.FullName, "list.txt");
            await File.WriteAllTextAsync(path, "evil.example.com\n", TestContext.Current.CancellationToken);
            using var blocklist = new BlocklistFile(path, new FakeTimeProvider(), NullLogger<BlocklistFile>.Instance);
            await blocklist.StartAsync(TestContext.Current.CancellationToken);
            var rules = new LinkRules(new LinkOptions(), new AbuseOptions(), blocklist);

            var created = rules.Check(Parse<CreateLinkRequest>("""{"original_url":"https://evil.example.com/x"}"""), "request.example", Now);
            var changed = rules.Check(
                Parse<UpdateLinkRequest>("""{"original_url":"https://evil.example.com/x"}"""),
                new HashSet<string>(),
                "request.example",
                Now
            );

            Assert.Equal(ErrorCode.UrlBlocked, Assert.Single(created.Errors).Code);
            Assert.Equal(ErrorCode.UrlBlocked, Assert.Single(changed.Errors).Code);
            await blocklist.StopAsync(TestContext.Current.CancellationToken);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("{}", "body")]
    [InlineData("""{"original_url":null,"is_active":null,"metadata":null,"expires_at":null,"never_expires":null,"redirect_type":null}""", "body")]
    [InlineData("""{"never_expires":false}""", "body")]
    [InlineData("""{"never_expires":true,"expires_at":"2030-01-01T00:00:00Z"}""", "never_expires")]
    [InlineData("""{"original_url":"x"}""", "original_url")]
    [InlineData("""{"original_url":""}""", "original_url")]
    [InlineData("""{"redirect_type":300}""", "redirect_type")]
    [InlineData("""{"metadata":[]}""", "metadata")]
    [InlineData("""{"expires_at":5}""", "expires_at")]
    [InlineData("""{"expires_at":{}}""", "expires_at")]
    [InlineData("""{"expires_at":"soon"}""", "expires_at")]
    [InlineData("""{"expires_at":"2030-01-01T00:00:00"}""", "expires_at")]
    [InlineData("""{"expires_at":"2020-01-01T00:00:00Z"}""", "expires_at")]
    [InlineData("""{"expires_at":"2090-01-01T00:00:00Z"}""", "expires_at")]
    [InlineData("""{"expires_at":"9999-12-31T23:59:59Z"}""", "expires_at")]
    public void CheckChange_OneRuleBroken_IsNamedAlone(string json, string field)
    {
        var result = Change(json);

        Assert.Null(result.Value);
        Assert.Equal(field, Assert.Single(result.Errors).Field);
    }

    [Fact]
    public void CheckChange_EveryRuleBroken_NamesAllAtOnce() =>
        Assert.Equal(
            ["expires_at", "original_url", "redirect_type", "metadata"],
            Change("""{"original_url":"x","redirect_type":1,"metadata":1,"expires_at":1,"is_active":true}""").Errors.Select(error => error.Field)
        );

    [Fact]
    public void CheckChange_EachMemberAlone_ChangesThatOnly()
    {
        Assert.Equal(new LinkChange { OriginalUrl = "https://example.com/" }, Change("""{"original_url":"https://example.com/ "}""").Value);
        Assert.Equal(new LinkChange { IsActive = false }, Change("""{"is_active":false}""").Value);
        Assert.Equal(new LinkChange { RedirectType = 307 }, Change("""{"redirect_type":307}""").Value);
        Assert.Equal(new LinkChange { Metadata = "{}" }, Change("""{"metadata":{}}""").Value);
        Assert.Equal(new LinkChange { SetsExpiry = true }, Change("""{"never_expires":true}""").Value);
        Assert.Equal(
            new LinkChange { SetsExpiry = true, ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(1_893_456_000_123) },
            Change("""{"expires_at":"2030-01-01T02:00:00.1239+02:00"}""").Value
        );
    }

    [Fact]
    public void CheckChange_NullInPlainJson_IsNotGiven() =>
        Assert.Equal(
            new LinkChange { IsActive = true },
            Change("""{"is_active":true,"expires_at":null,"metadata":null,"original_url":null,"redirect_type":null}""").Value
        );

    [Fact]
    public void CheckChange_NullInAMergePatch_RemovesWhatCanBeRemoved()
    {
        Assert.Equal(new LinkChange { SetsExpiry = true }, Change("""{"expires_at":null}""", isMergePatch: true).Value);
        Assert.Equal(new LinkChange { Metadata = "{}" }, Change("""{"metadata":null}""", isMergePatch: true).Value);
        Assert.Equal(new LinkChange { Metadata = """{"a":null}""" }, Change("""{"metadata":{"a":null}}""", isMergePatch: true).Value);
        Assert.Equal(
            ["is_active", "original_url", "redirect_type"],
            Change("""{"is_active":null,"original_url":null,"redirect_type":null,"expires_at":null}""", isMergePatch: true)
                .Errors.Select(error => error.Field)
                .Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void Check_ExpiresAt_IsTheEndUnlessDaysAreGivenToo()
    {
        Assert.Equal(
            DateTimeOffset.FromUnixTimeMilliseconds(1_893_456_000_123),
            Create("""{"original_url":"https://example.com","expires_at":"2030-01-01t02:00:00.1239+02:00"}""").Value!.ExpiresAt
        );
        Assert.Equal(
            "expires_at",
            Assert.Single(Create("""{"original_url":"https://example.com","expires_at":"2030-01-01T00:00:00Z","expires_in_days":3}""").Errors).Field
        );
        Assert.Equal("expires_at", Assert.Single(Create("""{"original_url":"https://example.com","expires_at":"2020-01-01T00:00:00Z"}""").Errors).Field);
    }

    [Fact]
    public void Check_UnreadableAndBrokenMembers_AreAllNamedOnce() =>
        Assert.Equal(
            ["custom_allias", "original_url", "redirect_type", "custom_alias", "expires_in_days"],
            Create("""{"custom_allias":"x","original_url":5,"redirect_type":"x","custom_alias":"a","expires_in_days":0}""").Errors.Select(error => error.Field)
        );

    private static T Parse<T>(string json) => JsonSerializer.Deserialize<T>(json, LinkJson.Instance.Options)!;

    private Checked<NewLink> Create(string json)
    {
        var parsed = RequestBody.Parse(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(json)), LinkJson.Instance.CreateLinkRequest);
        return Rules().Check(parsed.Value!, "request.example", Now, parsed.Errors);
    }

    private Checked<LinkChange> Change(string json, bool isMergePatch = false)
    {
        var body = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(json));
        var parsed = RequestBody.Parse(body, LinkJson.Instance.UpdateLinkRequest);
        return Rules().Check(parsed.Value!, isMergePatch ? RequestBody.NullMembers(body) : new HashSet<string>(), "request.example", Now, parsed.Errors);
    }

    private LinkRules Rules() =>
        new(new LinkOptions { PublicBaseUrl = new Uri("https://sho.rt"), OwnHosts = ["go.example.net"] }, new AbuseOptions(), _blocklist);
}
