using FsCheck.Xunit;
using UrlShortener.Runtime.Codes;
using Xunit;

namespace UrlShortener.Runtime.Tests.Codes;

public sealed class ShortCodeTests
{
    [Theory]
    [InlineData("abcd", true)]
    [InlineData("aB3_-z9XyQ", true)]
    [InlineData("----", true)]
    [InlineData("abc", false)]
    [InlineData("", false)]
    [InlineData("abcdefghijk", false)]
    [InlineData("ab cd", false)]
    [InlineData("ab.cd", false)]
    [InlineData("ab/cd", false)]
    [InlineData("ab%20cd", false)]
    [InlineData("abcé", false)]
    [InlineData("аbcd", false)] // The first letter is Cyrillic.
    [InlineData("ab\ncd", false)]
    [InlineData("abcd\0", false)]
    [InlineData("😀😀", false)]
    public void IsValid_Text_HasLengthAndAlphabet(string text, bool expected) => Assert.Equal(expected, ShortCode.IsValid(text));

    [Theory]
    [InlineData("admin")]
    [InlineData("ADMIN")]
    [InlineData("Health")]
    [InlineData("metrics")]
    public void IsReserved_OwnPaths_InAnyCase(string code) => Assert.True(ReservedWords.Contains(code));

    [Fact]
    public void IsReserved_OtherCode_IsNot() => Assert.False(ReservedWords.Contains("admins"));

    [Property(MaxTest = 1_000)]
    public void IsValid_ArbitraryText_AgreesWithThePattern(string? text) =>
        Assert.Equal(System.Text.RegularExpressions.Regex.IsMatch(text ?? "", @"\A[A-Za-z0-9_-]{4,10}\z"), ShortCode.IsValid(text ?? ""));

    [Theory]
    [InlineData("abcd.", "abcd")]
    [InlineData("abcd).", "abcd")]
    [InlineData("abcd\u201D\u00BB", "abcd")]
    [InlineData("abcd \t\u200B\uFEFF\u00A0", "abcd")]
    [InlineData("abcd😀", "abcd")]
    [InlineData("abcd%BB%2F", "abcd")]
    [InlineData("abcd%", "abcd")]
    [InlineData("abcd%zz", null)]
    [InlineData("Ab-_567890!", "Ab-_567890")]
    [InlineData("Ab-_5678901!", null)]
    [InlineData("abc.", null)]
    [InlineData("abcd.html", null)]
    [InlineData("(abcd", null)]
    [InlineData("...", null)]
    [InlineData("", null)]
    public void FindBeforeGlue_Text_IsTheCodeBeforeWhatNoCodeHolds(string text, string? expected) => Assert.Equal(expected, ShortCode.FindBeforeGlue(text));

    [Fact]
    public void FindBeforeGlue_MoreThanAnyTextGlues_IsNone()
    {
        Assert.Equal("abcd", ShortCode.FindBeforeGlue("abcd" + new string('.', 64)));
        Assert.Null(ShortCode.FindBeforeGlue("abcd" + new string('.', 65)));
    }
}
