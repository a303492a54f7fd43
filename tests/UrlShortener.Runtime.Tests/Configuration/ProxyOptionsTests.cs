using System.ComponentModel.DataAnnotations;
using System.Net;
using FsCheck.Xunit;
using UrlShortener.Runtime.Configuration;
using Xunit;

namespace UrlShortener.Runtime.Tests.Configuration;

public sealed class ProxyOptionsTests
{
    [Theory]
    [InlineData("10.0.0.0/8", "10.255.255.255", true)]
    [InlineData("10.0.0.0/8", "11.0.0.0", false)]
    [InlineData("192.0.2.7", "192.0.2.7", true)]
    [InlineData("192.0.2.7", "192.0.2.8", false)]
    [InlineData("2001:db8::/32", "2001:db8:ffff::1", true)]
    [InlineData("::1", "::1", true)]
    [InlineData("::1", "::2", false)]
    [InlineData("0.0.0.0/0", "203.0.113.1", true)]
    public void TryParse_AddressOrNetwork_HoldsItsAddresses(string text, string address, bool isContained)
    {
        Assert.True(ProxyOptions.TryParse(text, out var network));
        Assert.Equal(isContained, network.Contains(IPAddress.Parse(address)));
        Assert.Empty(Validate(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("proxy.example.com")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/8 ")]
    [InlineData("10")]
    [InlineData("10.1")]
    [InlineData("0x0a000001")]
    [InlineData("*")]
    public void Validate_AnythingElse_IsNamed(string text)
    {
        var result = Assert.Single(Validate("10.0.0.0/8", text));

        Assert.Equal(nameof(ProxyOptions.Trusted), Assert.Single(result.MemberNames));
        Assert.Contains($"\"{text}\"", result.ErrorMessage, StringComparison.Ordinal);
    }

    [Property]
    public void Validate_ArbitraryText_AgreesWithTryParse(string? text) =>
        Assert.Equal(ProxyOptions.TryParse(text ?? "", out _), Validate(text ?? "").Count == 0);

    private static List<ValidationResult> Validate(params string[] trusted)
    {
        var options = new ProxyOptions { Trusted = trusted };
        return [.. options.Validate(new ValidationContext(options))];
    }
}
