using System.ComponentModel.DataAnnotations;
using UrlShortener.Runtime.Configuration;
using Xunit;

namespace UrlShortener.Runtime.Tests.Configuration;

public sealed class JwtOptionsTests
{
    private static readonly string Key = Convert.ToBase64String(new byte[32]);

    [Fact]
    public void Validate_Unset_IsGoodAndAcceptsNoTokens()
    {
        Assert.Empty(Faults(new JwtOptions()));
        Assert.False(new JwtOptions().IsConfigured);
        Assert.False(new JwtOptions { SigningKey = "" }.IsConfigured);
    }

    [Fact]
    public void Validate_KeyWithIssuerAndAudience_IsGood()
    {
        var options = new JwtOptions
        {
            SigningKey = Key,
            Issuer = "https://issuer",
            Audience = "links",
        };

        Assert.Empty(Faults(options));
        Assert.True(options.IsConfigured);
    }

    [Fact]
    public void Validate_AuthorityWithAudience_IsGood()
    {
        var options = new JwtOptions { Authority = new Uri("https://issuer.example"), Audience = "links" };

        Assert.Empty(Faults(options));
        Assert.True(options.IsConfigured);
    }

    [Fact]
    public void Validate_AuthorityAndKey_ExcludeEachOther() =>
        Assert.Equal(
            [nameof(JwtOptions.SigningKey)],
            Faults(
                new JwtOptions
                {
                    Authority = new Uri("https://issuer.example"),
                    SigningKey = Key,
                    Issuer = "i",
                    Audience = "a",
                }
            )
        );

    [Fact]
    public void Validate_AuthorityWithoutTls_IsNamed() =>
        Assert.Equal([nameof(JwtOptions.Authority)], Faults(new JwtOptions { Authority = new Uri("http://issuer.example"), Audience = "a" }));

    [Theory]
    [InlineData("short")]
    [InlineData("not base64 at all, although it is long enough for one")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==")] // 31 bytes
    public void Validate_WeakKey_IsNamed(string key) =>
        Assert.Equal(
            [nameof(JwtOptions.SigningKey)],
            Faults(
                new JwtOptions
                {
                    SigningKey = key,
                    Issuer = "i",
                    Audience = "a",
                }
            )
        );

    [Fact]
    public void Validate_KeyAlone_NamesAllThatIsMissing() =>
        Assert.Equal([nameof(JwtOptions.Audience), nameof(JwtOptions.Issuer)], Faults(new JwtOptions { SigningKey = Key }));

    [Fact]
    public void Validate_AuthorityAlone_NamesTheAudience() =>
        Assert.Equal([nameof(JwtOptions.Audience)], Faults(new JwtOptions { Authority = new Uri("https://issuer.example") }));

    private static IEnumerable<string> Faults(JwtOptions options) =>
        options.Validate(new ValidationContext(options)).Select(result => Assert.Single(result.MemberNames));
}
