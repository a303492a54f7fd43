using FsCheck.Xunit;
using UrlShortener.Runtime.Users;
using Xunit;

namespace UrlShortener.Runtime.Tests.Users;

public sealed class ApiKeyTests
{
    [Fact]
    public void Generate_Keys_AreDistinctWithPrefixAnd43Characters()
    {
        var keys = Enumerable.Range(0, 1_000).Select(_ => ApiKey.Generate()).ToList();

        Assert.Equal(keys.Count, keys.Distinct(StringComparer.Ordinal).Count());
        Assert.All(keys, key => Assert.Matches("^usk_[0-9A-Za-z]{43}$", key));
    }

    [Fact]
    public void Hash_KnownText_IsItsSha256() => Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", ApiKey.Hash("abc"));

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void Hash_Length_IsLimited(int length, bool isHashed) => Assert.Equal(isHashed, ApiKey.Hash(new string('k', length)) is not null);

    [Property]
    public void Hash_ArbitraryText_IsADigestOrNull(string? key) => Assert.True(ApiKey.Hash(key ?? "") is null or { Length: 64 });
}
