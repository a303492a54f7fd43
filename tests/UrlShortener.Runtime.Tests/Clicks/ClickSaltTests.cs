using UrlShortener.Runtime.Clicks;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks;

public sealed class ClickSaltTests
{
    [Fact]
    public void Make_Twice_HasOtherKeys()
    {
        Assert.True(ClickSalt.TryReadKeys(ClickSalt.Make(), out _));
        Assert.NotEqual(ClickSalt.Make(), ClickSalt.Make());
    }

    [Theory]
    [InlineData(32, 2)]
    [InlineData(33, 1)]
    [InlineData(34, 2)]
    [InlineData(0, 0)]
    public void TryReadKeys_OtherSalt_IsNotOfThisKind(int length, byte first)
    {
        var salt = new byte[length];
        if (length > 0)
            salt[0] = first;

        Assert.False(ClickSalt.TryReadKeys(salt, out _));
    }
}
