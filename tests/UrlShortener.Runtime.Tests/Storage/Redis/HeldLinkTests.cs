using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Storage.Redis;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Redis;

public sealed class HeldLinkTests
{
    [Fact]
    public void Render_ActiveLink_IsShortText()
    {
        var target = new LinkTarget("https://example.com/ü?a=1&b='2'", null, 302, IsActive: true, 7);

        Assert.Equal("""7|{"u":"https://example.com/ü?a=1&b='2'","t":302,"a":true}""", Encoding.UTF8.GetString(HeldLink.Render(target)));
    }

    [Theory]
    [InlineData(null, true, 1)]
    [InlineData(0L, false, 2)]
    [InlineData(1_790_000_000_123L, true, int.MaxValue)]
    public void Parse_RenderedState_IsTheSame(long? expiry, bool isActive, int version)
    {
        var target = new LinkTarget("https://example.com/\"\\|", expiry is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null, 308, isActive, version);

        Assert.Equal(new SharedLink(target, version), HeldLink.Parse(HeldLink.Render(target)));
    }

    [Fact]
    public void Parse_Marker_HasAVersionOnly() =>
        Assert.Equal(new SharedLink(null, int.MaxValue), HeldLink.Parse(Encoding.UTF8.GetBytes(HeldLink.RenderMarker(int.MaxValue))));

    [Theory]
    [InlineData("")]
    [InlineData("|")]
    [InlineData("7")]
    [InlineData("0|")]
    [InlineData("-7|")]
    [InlineData("99999999999|")]
    [InlineData("x|{}")]
    [InlineData("7|null")]
    [InlineData("7|{}")]
    [InlineData("7|{\"u\":7}")]
    [InlineData("7|{\"u\":\"https://exa")]
    [InlineData("7|[]")]
    public void Parse_AnythingElse_IsNothing(string value) => Assert.Equal(default, HeldLink.Parse(Encoding.UTF8.GetBytes(value)));

    [Fact]
    public void Parse_ExpiryOutOfRange_DoesNotThrow()
    {
        var held = HeldLink.Parse("7|{\"u\":\"https://example.com/\",\"e\":9223372036854775807}"u8);
        Assert.Equal(DateTimeOffset.MaxValue.Year, held.Target!.ExpiresAt!.Value.Year);
    }

    [Property(MaxTest = 2_000)]
    public Property Parse_AnyBytes_DoesNotThrow() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes => HeldLink.Parse([.. "7|"u8, .. bytes ?? []]).AtLeast is 0 or 7);

    [Theory]
    [InlineData("7|abcd", true)]
    [InlineData("7|ab-_9", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("|abcd", false)]
    [InlineData("0|abcd", false)]
    [InlineData("-1|abcd", false)]
    [InlineData("7|", false)]
    [InlineData("7|a{b}c", false)]
    [InlineData("7|abc d", false)]
    [InlineData("7abcd", false)]
    [InlineData("99999999999|abcd", false)]
    public void ParseMessage_OnlyAVersionAndACode_IsAChange(string? message, bool isChange) =>
        Assert.Equal(isChange ? new LinkVersion(message![2..], 7) : null, RedisLinkCache.ParseMessage(message));
}
