using FsCheck.Xunit;
using UrlShortener.Runtime.Codes;
using Xunit;

namespace UrlShortener.Runtime.Tests.Codes;

public sealed class OffensiveWordsTests
{
    [Theory]
    [InlineData("fuckABC")]
    [InlineData("xFuCkyz")]
    [InlineData("abcSHIT")]
    [InlineData("5h1tabc")]
    [InlineData("ab455cd")]
    [InlineData("abp0rn1")]
    [InlineData("N4Z1xyz")]
    [InlineData("he11abc")]
    [InlineData("xk1llyz")]
    [InlineData("s1utxyz")]
    public void Occurs_WordAlsoInDigits_IsFound(string key) => Assert.True(OffensiveWords.Occurs(key));

    [Theory]
    [InlineData("")]
    [InlineData("Q7mZp2K")]
    [InlineData("abcdefg")]
    [InlineData("f-uckab")]
    [InlineData("1111111")]
    public void Occurs_OtherKey_IsNot(string key) => Assert.False(OffensiveWords.Occurs(key));

    [Property]
    public void Occurs_ArbitraryText_NeverThrows(string? text) => OffensiveWords.Occurs(text ?? "");
}
