using FsCheck.Fluent;
using FsCheck.Xunit;
using UrlShortener.Operator.Apply;
using Xunit;

namespace UrlShortener.Operator.Tests.Apply;

public sealed class NamesTests
{
    [Fact]
    public void Of_ShortName_IsPlain() => Assert.Equal("eu-app", Names.Of("eu", Names.App));

    [Property]
    public FsCheck.Property Of_AnyName_IsADnsLabelOfItsOwn() =>
        Prop.ForAll(
            Gen.Two(Gen.ListOf(Gen.Elements("abcxyz019-.".ToCharArray())).Select(letters => $"a{string.Concat(letters)}{new string('z', 60)}z")).ToArbitrary(),
            pair =>
            {
                var (one, other) = (Names.Of(pair.Item1, Names.Migrate), Names.Of(pair.Item2, Names.Migrate));
                Assert.InRange(one.Length, 1, 63);
                Assert.Matches("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", one);
                Assert.Equal(pair.Item1 == pair.Item2, one == other);
            }
        );
}
