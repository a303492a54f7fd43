using System.Globalization;
using System.Text.Json;
using FsCheck.Xunit;
using UrlShortener.Runtime.Http;
using Xunit;

namespace UrlShortener.Runtime.Tests.Http;

public sealed class UtcTimeConverterTests
{
    private static readonly JsonSerializerOptions Options = ApiJson.Configure(new JsonSerializerOptions());

    [Theory]
    [InlineData("2030-01-31T12:00:00Z", "2030-01-31T12:00:00.000Z")]
    [InlineData("2030-01-31T12:00:00.1Z", "2030-01-31T12:00:00.100Z")]
    [InlineData("2030-01-31T12:00:00.1239999Z", "2030-01-31T12:00:00.123Z")]
    [InlineData("2030-01-31T12:00:00+02:00", "2030-01-31T10:00:00.000Z")]
    [InlineData("2030-01-31T12:00:00.5-05:45", "2030-01-31T17:45:00.500Z")]
    [InlineData("2030-01-31T23:30:00-14:00", "2030-02-01T13:30:00.000Z")]
    [InlineData("2030-01-31T23:30:00-23:59", "2030-02-01T23:29:00.000Z")]
    [InlineData("2030-01-31T12:00:00-00:00", "2030-01-31T12:00:00.000Z")]
    [InlineData("2030-01-31t12:00:00z", "2030-01-31T12:00:00.000Z")]
    [InlineData("2030-01-31T12:00:00.123456789012345678901Z", "2030-01-31T12:00:00.123Z")]
    [InlineData("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z")]
    [InlineData("2016-12-31T15:59:60.5-08:00", "2017-01-01T00:00:00.500Z")]
    public void Read_Rfc3339_IsWrittenInUtcWithMilliseconds(string text, string expected) =>
        Assert.Equal($"\"{expected}\"", JsonSerializer.Serialize(JsonSerializer.Deserialize<DateTimeOffset>($"\"{text}\"", Options), Options));

    [Theory]
    [InlineData("")]
    [InlineData("2030-01-31")]
    [InlineData("2030-01-31T12:00:00")]
    [InlineData("2030-01-31T12:00:00.5")]
    [InlineData("2030-01-31 12:00:00Z")]
    [InlineData("2030-01-31T12:00Z")]
    [InlineData("2030-02-30T12:00:00Z")]
    [InlineData("2030-01-31T25:00:00Z")]
    [InlineData("2030-01-31T12:00:00+25:00")]
    [InlineData("2030-01-31T12:00:00+05:60")]
    [InlineData("2030-01-31T12:00:00+0530")]
    [InlineData("2030-01-31T12:00:00+05")]
    [InlineData("2030-01-31T12:00:00.Z")]
    [InlineData("2030-01-31T12:00:00,5Z")]
    [InlineData("2030-01-31T24:00:00Z")]
    [InlineData("2030-01-31T12:00:60Z")]
    [InlineData("2030-01-31T12:00:61Z")]
    [InlineData("2030-01-31T12:00:00Z\n")]
    [InlineData("9999-12-31T23:59:59-00:01")]
    [InlineData("30-01-31T12:00:00Z")]
    [InlineData("0001-01-01T00:00:00+14:00")]
    [InlineData(" 2030-01-31T12:00:00Z")]
    [InlineData("٢٠٣٠-01-31T12:00:00Z")]
    [InlineData("tomorrow")]
    public void Read_AnythingElse_IsRefused(string text)
    {
        Assert.False(UtcTimeConverter.TryParse(text, out _));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<DateTimeOffset>(JsonSerializer.Serialize(text), Options));
    }

    [Theory]
    [InlineData("1893456000")]
    [InlineData("true")]
    [InlineData("null")]
    [InlineData("{}")]
    public void Read_NoString_IsRefused(string json) => Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<DateTimeOffset>(json, Options));

    [Property(MaxTest = 1_000)]
    public void WriteAndRead_AnyTime_RoundTripsToTheMillisecond(DateTimeOffset time)
    {
        var expected = DateTimeOffset.FromUnixTimeMilliseconds(time.ToUnixTimeMilliseconds());

        var read = JsonSerializer.Deserialize<DateTimeOffset>(JsonSerializer.Serialize(time, Options), Options);

        Assert.Equal(expected, read);
        Assert.Equal(TimeSpan.Zero, read.Offset);
    }

    [Property(MaxTest = 1_000)]
    public void TryParse_AnyOffset_NamesTheSameMoment(DateTimeOffset time) =>
        Assert.True(UtcTimeConverter.TryParse(time.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffffzzz", CultureInfo.InvariantCulture), out var read) && read == time);

    [Property(MaxTest = 1_000)]
    public void TryParse_ArbitraryText_IsATimeOrRefused(string? text) => Assert.True(UtcTimeConverter.TryParse(text ?? "", out var time) || time == default);
}
