using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using Xunit;

namespace UrlShortener.Runtime.Tests.Keys;

public sealed class KeyGeneratorTests
{
    private const int Keys = 30_000;

    private static readonly string[] Sample = [.. Enumerable.Range(0, Keys).Select(_ => KeyGenerator.Generate())];

    [Fact]
    public void Generate_Keys_AreDistinctCodesOfSevenLettersAndDigits()
    {
        Assert.Equal(Keys, Sample.Distinct(StringComparer.Ordinal).Count());
        Assert.All(Sample, key =>
        {
            Assert.Equal(KeyGenerator.Length, key.Length);
            Assert.True(ShortCode.IsValid(key));
            Assert.True(key.All(char.IsAsciiLetterOrDigit));
        });
    }

    [Fact]
    public void Generate_Keys_AreNeitherReservedNorOffensive()
    {
        Assert.DoesNotContain(Sample, ShortCode.IsReserved);
        Assert.DoesNotContain(Sample, key => OffensiveWords.Occurs(key));
    }

    [Fact]
    public void Generate_ManyAtOnce_AreDistinctCodesThatMayBeUsed()
    {
        var keys = KeyGenerator.Generate(Keys);

        Assert.Equal(Keys, keys.Distinct(StringComparer.Ordinal).Count());
        Assert.All(keys, key =>
        {
            Assert.Equal(KeyGenerator.Length, key.Length);
            Assert.True(key.All(char.IsAsciiLetterOrDigit));
            Assert.False(ShortCode.IsReserved(key) || OffensiveWords.Occurs(key));
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Generate_FewAtOnce_AreAsManyAsAsked(int count) => Assert.Equal(count, KeyGenerator.Generate(count).Count);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Generate_Characters_AreUniform(bool manyAtOnce)
    {
        var sample = manyAtOnce ? KeyGenerator.Generate(Keys) : Sample;
        var expected = Keys * KeyGenerator.Length / 62.0;

        var chiSquare = sample.SelectMany(key => key).GroupBy(character => character).Sum(group => Math.Pow(group.Count() - expected, 2) / expected);

        // 61 degrees of freedom: 61 on average, and above 250 once in more runs than there will ever be. The words left out add a little.
        Assert.True(chiSquare < 250, $"chi-square {chiSquare}");
    }
}
