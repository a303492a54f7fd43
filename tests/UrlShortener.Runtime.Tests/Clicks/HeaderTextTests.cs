using UrlShortener.Runtime.Clicks;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks;

public sealed class HeaderTextTests
{
    [Theory]
    [InlineData(null, null)]
    [InlineData("", "")]
    [InlineData("1234", "1234")]
    [InlineData("12345", "1234")]
    [InlineData("123😀", "123")]
    [InlineData("12😀4", "12😀")]
    public void Cut_Text_KeepsWholeCharacters(string? text, string? expected) => Assert.Equal(expected, HeaderText.Cut(text, 4));

    [Fact]
    public void Cut_ShortText_IsTheSameInstance()
    {
        var text = new string('x', 4);

        Assert.Same(text, HeaderText.Cut(text, 4));
    }

    [Theory]
    [InlineData("DE", "DE")]
    [InlineData("D", null)]
    [InlineData("DEU", null)]
    [InlineData(null, null)]
    public void Country_OtherThanTwoCharacters_IsNone(string? text, string? expected) => Assert.Equal(expected, HeaderText.Country(text));
}
