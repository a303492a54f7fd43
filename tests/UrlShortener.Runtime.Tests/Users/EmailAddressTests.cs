using FsCheck.Xunit;
using UrlShortener.Runtime.Users;
using Xunit;

namespace UrlShortener.Runtime.Tests.Users;

public sealed class EmailAddressTests
{
    [Theory]
    [InlineData("a@b", "a@b")]
    [InlineData("Ada.Lovelace+links@Example.com", "ada.lovelace+links@example.com")]
    [InlineData("owner@localhost", "owner@localhost")]
    [InlineData("KATE@EXAMPLE.COM", "kate@example.com")]
    [InlineData("[{@|~^", "[{@|~^")]
    [InlineData("", null)]
    [InlineData(null, null)]
    [InlineData("@", null)]
    [InlineData("ada", null)]
    [InlineData("@example.com", null)]
    [InlineData("ada@", null)]
    [InlineData("ada@x@example.com", null)]
    [InlineData("ada @example.com", null)]
    [InlineData(" ada@example.com", null)]
    [InlineData("ada@example.com\n", null)]
    [InlineData("ada\u007f@example.com", null)]
    [InlineData("ada@example.com\u00a0", null)]
    [InlineData("ada\0@example.com", null)]
    [InlineData("\u212Aate@example.com", null)]
    [InlineData("kat\u0435@example.com", null)]
    [InlineData("\u0130da@example.com", null)]
    [InlineData("zoë@bücher.example", null)]
    public void TryRead_Text_IsPrintableAsciiInLowerCase(string? text, string? expected)
    {
        Assert.Equal(expected is not null, EmailAddress.TryRead(text, out var email));
        Assert.Equal(expected, email);
    }

    [Fact]
    public void TryRead_Length_IsLimited()
    {
        Assert.True(EmailAddress.TryRead(new string('a', EmailAddress.MaxLength - 2) + "@b", out _));
        Assert.False(EmailAddress.TryRead(new string('a', EmailAddress.MaxLength - 1) + "@b", out _));
    }

    [Property]
    public void TryRead_ArbitraryText_IsAsciiOrRefused(string? text) =>
        Assert.True(!EmailAddress.TryRead(text, out var email) || (email.All(char.IsAscii) && EmailAddress.TryRead(email, out var again) && again == email));
}
