using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Storage.Redis;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Redis;

public sealed class RedisLinkTests
{
    [Fact]
    public void Render_ActiveLink_IsShortText()
    {
        var target = new LinkTarget("https://example.com/ü?a=1&b='2'", null, 302, IsActive: true, new(3, 7));

        Assert.Equal("""7|3|{"u":"https://example.com/ü?a=1&b='2'","t":302,"a":true}""", Encoding.UTF8.GetString(RedisLink.Render(target)));
    }

    [Theory]
    [InlineData(null, true, 0, 1)]
    [InlineData(0L, false, 1, 2)]
    [InlineData(1_790_000_000_123L, true, int.MaxValue, int.MaxValue)]
    public void Parse_RenderedState_IsTheSame(long? expiry, bool isActive, int epoch, int number)
    {
        var version = new StateVersion(epoch, number);
        var target = new LinkTarget("https://example.com/\"\\|", expiry is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null, 308, isActive, version);

        Assert.Equal(new SharedLookup(target, version), RedisLink.Parse(RedisLink.Render(target)));
    }

    [Fact]
    public void Parse_Marker_HasAVersionOnly() =>
        Assert.Equal(
            new SharedLookup(null, new(int.MaxValue, int.MaxValue)),
            RedisLink.Parse(Encoding.UTF8.GetBytes(RedisLink.RenderMarker(new(int.MaxValue, int.MaxValue))))
        );

    [Fact]
    public void Parse_OfTheReleaseBefore_IsOfEpochZero()
    {
        Assert.Equal(new SharedLookup(null, new(0, 7)), RedisLink.Parse("7|"u8));
        var target = new LinkTarget("https://example.com/", null, 302, IsActive: true, new(0, 7));
        Assert.Equal(new SharedLookup(target, new(0, 7)), RedisLink.Parse("""7|{"u":"https://example.com/","t":302,"a":true}"""u8));
    }

    [Theory]
    [InlineData("")]
    [InlineData("|")]
    [InlineData("7")]
    [InlineData("0|")]
    [InlineData("-7|")]
    [InlineData("99999999999|")]
    [InlineData("x|{}")]
    [InlineData("0|1|")]
    [InlineData("7|-1|")]
    [InlineData("7|99999999999|")]
    [InlineData("7|1|{}")]
    [InlineData("7|1|1|")]
    [InlineData("7|null")]
    [InlineData("7|{}")]
    [InlineData("7|{\"u\":7}")]
    [InlineData("7|{\"u\":\"https://exa")]
    [InlineData("7|[]")]
    public void Parse_AnythingElse_IsNothing(string value) => Assert.Equal(default, RedisLink.Parse(Encoding.UTF8.GetBytes(value)));

    [Fact]
    public void Parse_ExpiryOutOfRange_DoesNotThrow()
    {
        var held = RedisLink.Parse("7|{\"u\":\"https://example.com/\",\"e\":9223372036854775807}"u8);
        Assert.Equal(DateTimeOffset.MaxValue.Year, held.Target!.ExpiresAt!.Value.Year);
    }

    [Property(MaxTest = 2_000)]
    public Property Parse_AnyBytes_DoesNotThrow() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes => RedisLink.Parse([.. "7|"u8, .. bytes ?? []]).AtLeast.Number is 0 or 7);

    [Theory]
    [InlineData("7|abcd|3", 3)]
    [InlineData("7|ab-_9|0", 0)]
    [InlineData("7|abcd", 0)]
    [InlineData("", null)]
    [InlineData(null, null)]
    [InlineData("|abcd", null)]
    [InlineData("0|abcd|1", null)]
    [InlineData("-1|abcd|1", null)]
    [InlineData("7|", null)]
    [InlineData("7|a{b}c", null)]
    [InlineData("7|abc d", null)]
    [InlineData("7abcd", null)]
    [InlineData("7|abcd|", null)]
    [InlineData("7|abcd|-1", null)]
    [InlineData("7|abcd|1|1", null)]
    [InlineData("7|abcd|99999999999", null)]
    [InlineData("99999999999|abcd", null)]
    public void ParseMessage_OnlyAVersionAndACode_IsAChange(string? message, int? epoch) =>
        Assert.Equal(epoch is { } given ? new LinkVersion(message!.Split('|')[1], new(given, 7)) : null, RedisLinkCache.ParseMessage(message));

    [Fact]
    public void ParseMessage_Rendered_IsTheSame()
    {
        var change = new LinkVersion("abcd", new(2, 9));
        Assert.Equal(change, RedisLinkCache.ParseMessage(RedisLinkCache.RenderMessage(change)));
    }
}
