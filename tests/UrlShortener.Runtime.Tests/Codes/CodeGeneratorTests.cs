using UrlShortener.Runtime.Codes;
using Xunit;

namespace UrlShortener.Runtime.Tests.Codes;

public sealed class CodeGeneratorTests
{
    private const int Keys = 30_000;

    private static readonly string[] Sample = [.. Enumerable.Range(0, Keys).Select(_ => CodeGenerator.Generate())];

    [Fact]
    public void Generate_Keys_AreDistinctCodesOfSevenLettersAndDigits()
    {
        Assert.Equal(Keys, Sample.Distinct(StringComparer.Ordinal).Count());
        Assert.All(
            Sample,
            key =>
            {
                Assert.Equal(CodeGenerator.Length, key.Length);
                Assert.True(ShortCode.IsValid(key));
                Assert.True(key.All(char.IsAsciiLetterOrDigit));
            }
        );
    }

    [Fact]
    public void Generate_Keys_AreNeitherReservedNorOffensive()
    {
        Assert.DoesNotContain(Sample, ReservedWords.Contains);
        Assert.DoesNotContain(Sample, key => OffensiveWords.Occurs(key));
    }

    [Fact]
    public void Generate_ManyAtOnce_AreDistinctCodesThatMayBeUsed()
    {
        var keys = CodeGenerator.Generate(Keys);

        Assert.Equal(Keys, keys.Distinct(StringComparer.Ordinal).Count());
        Assert.All(
            keys,
            key =>
            {
                Assert.Equal(CodeGenerator.Length, key.Length);
                Assert.True(key.All(char.IsAsciiLetterOrDigit));
                Assert.False(ReservedWords.Contains(key) || OffensiveWords.Occurs(key));
            }
        );
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Generate_FewAtOnce_AreAsManyAsAsked(int count) => Assert.Equal(count, CodeGenerator.Generate(count).Count);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Generate_Characters_AreUniform(bool manyAtOnce)
    {
        var sample = manyAtOnce ? CodeGenerator.Generate(Keys) : Sample;
        var expected = Keys * CodeGenerator.Length / 62.0;

        var chiSquare = sample.SelectMany(key => key).GroupBy(character => character).Sum(group => Math.Pow(group.Count() - expected, 2) / expected);

        // 61 degrees of freedom: 61 on average, and above 250 once in more runs than there will ever be. The words left out add a little.
        Assert.True(chiSquare < 250, $"chi-square {chiSquare}");
    }
}
