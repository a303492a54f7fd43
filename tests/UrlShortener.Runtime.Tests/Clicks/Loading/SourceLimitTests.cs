using System.Globalization;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Loading;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks.Loading;

public sealed class SourceLimitTests
{
    private readonly SourceLimit _limit = new();

    [Fact]
    public void Limit_MoreNamesThanADayKeeps_SumsUpTheRest()
    {
        for (var i = 0; i < ClickSources.MaxPerDay; i++)
            Assert.Equal(NameOf(i), Limit(NameOf(i)));

        Assert.Equal(ClickSources.Others, Limit("late.example"));
        Assert.Equal(NameOf(7), Limit(NameOf(7)));
        Assert.Null(Limit(null));
        Assert.Equal("late.example", Limit("late.example", day: 2));
        Assert.Equal("late.example", Limit("late.example", code: "autumn"));
    }

    [Fact]
    public void Limit_ClickOfABot_TakesNoName()
    {
        for (var i = 0; i < ClickSources.MaxPerDay; i++)
            Assert.Null(_limit.Limit(NewClick(NameOf(i), 1, "spring") with { IsBot = true }));

        Assert.Equal("late.example", Limit("late.example"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(500)]
    public void Limit_NamesOfManyLinks_AreBoundedInNumber(int namesPerLink)
    {
        string[] codes = [.. Enumerable.Range(0, 2 * SourceLimit.MaxNames / namesPerLink).Select(i => i.ToString("D6", CultureInfo.InvariantCulture))];
        string[] names = [.. Enumerable.Range(0, namesPerLink).Select(NameOf)];

        foreach (var code in codes)
        {
            foreach (var name in names)
                Limit(name, code: code);
            Assert.InRange(_limit.Names, 1, SourceLimit.MaxNames);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    public void Limit_LongName_IsCutBetweenCharacters(string before)
    {
        var cut = Limit(before + string.Concat(Enumerable.Repeat("\U0001F600", 200)))!;

        Assert.InRange(cut.Length, SourceLimit.MaxLength - 1, SourceLimit.MaxLength);
        Assert.False(char.IsHighSurrogate(cut[^1]));
    }

    private static string NameOf(int i) => string.Create(CultureInfo.InvariantCulture, $"s{i}.example");

    private static StoredClick NewClick(string? source, int day, string code) =>
        new(code, new DateTimeOffset(2026, 11, day, 23, 59, 59, TimeSpan.Zero), null, source, null, default, null, null, DeviceClass.Other, IsBot: false);

    private string? Limit(string? source, int day = 1, string code = "spring") => _limit.Limit(NewClick(source, day, code));
}
