using System.Text;
using System.Text.Json.Nodes;
using FsCheck.Xunit;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Events;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks.Events;

public sealed class ClickEventReaderTests
{
    private static readonly Guid Id = ClickEvent.IdOf(Guid.Parse("0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0"), 3, DateTimeOffset.UnixEpoch.AddDays(20_000));

    private static readonly StoredClick Full = new(
        "spring",
        new DateTimeOffset(2026, 11, 30, 8, 26, 5, 7, TimeSpan.Zero),
        "https://news.example/zürich",
        "news.example",
        "Mozilla/5.0 \"quoted\" \u0007 \U0001F600",
        new AddressHash(0xFF, 1, ulong.MaxValue, 2),
        "CH",
        "Zürich",
        DeviceClass.Tablet,
        IsBot: true
    );

    [Property]
    public void Read_WhatWasWritten_IsTheSame(string? userAgent, string? referrer, byte device, bool isBot, bool hasHash)
    {
        var click = Full with
        {
            UserAgent = Clean(userAgent),
            Referrer = Clean(referrer),
            Device = (DeviceClass)(device & 3),
            IsBot = isBot,
            IpHash = hasHash ? Full.IpHash : default,
        };

        Assert.Null(new ClickEventReader().Read(ClickEvent.ToBytes(Id, click), out var id, out var read, out _));

        Assert.Equal((Id, click), (id, read));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Read_ClickThatTheStoreCounted_SaysSo(bool isCounted)
    {
        Assert.Null(new ClickEventReader().Read(ClickEvent.ToBytes(Id, Full, isCounted), out _, out _, out var read));

        Assert.Equal(isCounted, read);
    }

    [Theory]
    [InlineData("android-app")]
    [InlineData("https")]
    public void Read_ClickWithTheLongestHostOfARefererHeader_IsTheSame(string scheme)
    {
        var host = string.Join('.', Enumerable.Repeat(new string('a', 60), scheme == "https" ? 4 : 16));
        var seen = new Click("spring", Full.At.ToUnixTimeMilliseconds(), null, $"{scheme}://{host}/", null, null, null, null, DoNotTrack: false);
        var click = new ClickEnricher(null).Enrich(seen, [1]);

        Assert.Equal(host[..Math.Min(host.Length, 255)], click.Source);
        Assert.Null(new ClickEventReader().Read(ClickEvent.ToBytes(Id, click), out _, out var read, out _));
        Assert.Equal(click, read);
    }

    [Fact]
    public void Read_NothingIsKnown_IsTheSame()
    {
        var click = new StoredClick("spring", Full.At, null, null, null, default, null, null, DeviceClass.Other, IsBot: false);

        Assert.Null(new ClickEventReader().Read(ClickEvent.ToBytes(Id, click), out _, out var read, out _));

        Assert.Equal(click, read);
    }

    [Fact]
    public void Read_LaterVersionWithMoreProperties_IgnoresThem()
    {
        var json = JsonNode.Parse(ClickEvent.ToBytes(Id, Full))!.AsObject();
        json["schema_version"] = 2;
        json["campaign"] = new JsonObject { ["names"] = new JsonArray("a", 1, null) };

        Assert.Null(new ClickEventReader().Read(Encoding.UTF8.GetBytes(json.ToJsonString()), out _, out var read, out _));

        Assert.Equal(Full, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{}{}")]
    [InlineData("{} x")]
    [InlineData("""{"id":"\ud800"}""")]
    [InlineData("\u0000\u0001")]
    public void Read_NoJson_SaysSo(string text) => Assert.Contains(Read(text), (string?[])[ClickEventReader.NotJson, ClickEventReader.NotBySchema]);

    [Theory]
    [InlineData("schema_version", "0")]
    [InlineData("schema_version", "\"1\"")]
    [InlineData("schema_version", "99999999999999999999")]
    [InlineData("id", "\"spring\"")]
    [InlineData("id", "\"0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0\"")]
    [InlineData("short_code", "\"\"")]
    [InlineData("short_code", "17")]
    [InlineData("short_code", "\"abc\"")]
    // The database would refuse it, and the whole batch with it.
    [InlineData("short_code", "\"\\u0000abcd\"")]
    [InlineData("short_code", "\"a b c d\"")]
    [InlineData("is_counted", "1")]
    [InlineData("clicked_at", "1764000000")]
    [InlineData("clicked_at", "\"2026-13-30T08:26:05.007Z\"")]
    [InlineData("clicked_at", "\"2026-11-30T08:26:05Z\"")]
    [InlineData("clicked_at", "\"2026-11-30T08:26:05.007+01:00\"")]
    [InlineData("ip_hash", "\"aa\"")]
    [InlineData("country", "\"ch\"")]
    [InlineData("device", "\"Tablet\"")]
    [InlineData("device", "3")]
    [InlineData("is_bot", "\"true\"")]
    [InlineData("city", "{}")]
    public void Read_ValueOutsideOfTheSchema_IsRejected(string property, string value)
    {
        var json = JsonNode.Parse(ClickEvent.ToBytes(Id, Full))!.AsObject();
        json[property] = JsonNode.Parse(value);

        Assert.Equal(ClickEventReader.NotBySchema, Read(json.ToJsonString()));
    }

    [Theory]
    [InlineData("schema_version")]
    [InlineData("id")]
    [InlineData("short_code")]
    [InlineData("clicked_at")]
    [InlineData("device")]
    [InlineData("is_bot")]
    public void Read_RequiredPropertyIsMissing_IsRejected(string property)
    {
        var json = JsonNode.Parse(ClickEvent.ToBytes(Id, Full))!.AsObject();
        json.Remove(property);

        Assert.Equal(ClickEventReader.NotBySchema, Read(json.ToJsonString()));
    }

    [Theory]
    [InlineData("user_agent", 513)]
    [InlineData("referrer", 513)]
    [InlineData("city", 101)]
    [InlineData("short_code", 11)]
    public void Read_TextIsTooLong_IsRejected(string property, int length)
    {
        var json = JsonNode.Parse(ClickEvent.ToBytes(Id, Full))!.AsObject();
        json[property] = new string('x', length);

        Assert.Equal(ClickEventReader.NotBySchema, Read(json.ToJsonString()));
    }

    [Fact]
    public void Read_AnyCut_IsRejected()
    {
        var value = ClickEvent.ToBytes(Id, Full);

        for (var length = 0; length < value.Length; length++)
            Assert.NotNull(new ClickEventReader().Read(value.AsSpan(0, length), out _, out _, out _));
    }

    [Property]
    public void Read_AnyByteChanged_DoesNotThrow(ushort place, byte value)
    {
        var changed = ClickEvent.ToBytes(Id, Full);
        changed[place % changed.Length] = value;

        new ClickEventReader().Read(changed, out _, out _, out _);
    }

    private static string? Read(string text) => new ClickEventReader().Read(Encoding.UTF8.GetBytes(text), out _, out _, out _);

    // As the capture stores texts: none is empty, none has a lone surrogate.
    private static string? Clean(string? text)
    {
        var clean = text is null ? null : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        return clean is null or "" ? null : clean[..Math.Min(clean.Length, 200)];
    }
}
