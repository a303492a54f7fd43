using System.Text;
using UrlShortener.Runtime.Clicks.Results;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks.Results;

/// <summary>The texts are those that the Flink job wrote when it was tried.</summary>
public sealed class ResultReaderTests
{
    private const string Minute =
        """{"short_code":"flood1","minute":"2026-11-30T14:55:00Z","clicks":451,"people":1,"bots":450,"last_click":"2026-11-30T14:55:59.915Z"}""";

    private const string Trend = """{"short_code":"code15","minute":"2026-11-30T14:58:00Z","last_hour":89,"usual_hour":0.5}""";

    private const string Flood = """{"kind":"code","name":"flood1","minute":"2026-11-30T14:59:00Z","clicks":1532,"usual_minute":2.8}""";

    private static readonly DateTimeOffset Start = new(2026, 11, 30, 14, 55, 0, TimeSpan.Zero);
    private static readonly string Hash = new('a', 64);

    [Fact]
    public void Read_Minute_IsWhatItSays() =>
        Assert.Equal(
            new ResultRow(ResultKind.Minutes, Start, "flood1")
            {
                Clicks = 1,
                Bots = 450,
                LastAt = Start.AddMilliseconds(59_915),
            },
            Read(ResultKind.Minutes, Minute)
        );

    [Fact]
    public void Read_LastClickOfAWholeSecond_IsTaken() =>
        Assert.Equal(Start.AddSeconds(59), Read(ResultKind.Minutes, Minute.Replace("59.915Z", "59Z", StringComparison.Ordinal))!.LastAt);

    [Fact]
    public void Read_Trend_IsWhatItSays() =>
        Assert.Equal(new ResultRow(ResultKind.Trends, Start.AddMinutes(3), "code15") { Clicks = 89, Usual = 0.5 }, Read(ResultKind.Trends, Trend));

    [Fact]
    public void Read_Floods_AreOfALinkOrAVisitor()
    {
        Assert.Equal(new ResultRow(ResultKind.Floods, Start.AddMinutes(4), "flood1") { Clicks = 1532, Usual = 2.8 }, Read(ResultKind.Floods, Flood));
        var ofVisitor = Flood.Replace("\"code\"", "\"visitor\"", StringComparison.Ordinal).Replace("flood1", Hash, StringComparison.Ordinal);
        Assert.Equal(
            new ResultRow(ResultKind.Floods, Start.AddMinutes(4), "")
            {
                Visitor = Hash,
                Clicks = 1532,
                Usual = 2.8,
            },
            Read(ResultKind.Floods, ofVisitor)
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("no json")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"short_code":"\ud800"}""")]
    public void Read_NoResult_IsNone(string text)
    {
        foreach (var kind in Enum.GetValues<ResultKind>())
            Assert.Null(Read(kind, text));
    }

    [Theory]
    [InlineData("\"flood1\"", "\"a/b\"")]
    [InlineData("\"flood1\"", "null")]
    [InlineData("14:55:00Z", "14:55:01Z")]
    [InlineData("2026-11-30T14:55:00Z", "1969-11-30T14:55:00Z")]
    [InlineData("\"people\":1", "\"people\":-1")]
    [InlineData("\"people\":1", "\"people\":1.5")]
    [InlineData("\"bots\":450", "\"bots\":\"450\"")]
    [InlineData("14:55:59.915Z", "14:56:00Z")]
    [InlineData("14:55:59.915Z", "14:54:59Z")]
    public void Read_MinuteWithAWrongValue_IsNone(string from, string to) =>
        Assert.Null(Read(ResultKind.Minutes, Minute.Replace(from, to, StringComparison.Ordinal)));

    [Theory]
    [InlineData("\"code\"", "\"link\"")]
    [InlineData("\"code\"", "\"visitor\"")]
    [InlineData("2.8", "-1")]
    [InlineData("2.8", "1e999")]
    public void Read_FloodWithAWrongValue_IsNone(string from, string to) =>
        Assert.Null(Read(ResultKind.Floods, Flood.Replace(from, to, StringComparison.Ordinal)));

    private static ResultRow? Read(ResultKind kind, string text) => ResultReader.Read(kind, Encoding.UTF8.GetBytes(text));
}
