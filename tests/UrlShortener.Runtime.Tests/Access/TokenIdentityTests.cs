using System.Text;
using UrlShortener.Runtime.Access;
using Xunit;

namespace UrlShortener.Runtime.Tests.Access;

public sealed class TokenIdentityTests
{
    [Theory]
    [InlineData("""{"email":"kate@example.com"}""")]
    [InlineData("""{"email":"Kate@EXAMPLE.com"}""")]
    [InlineData("""{"email":"kate@example.com","email_verified":true}""")]
    [InlineData("""{"email":"kate@example.com","email_verified":"true"}""")]
    public void Of_OneAsciiString_IsTheAddressInLowerCase(string payload) => Assert.Equal("kate@example.com", Read(payload).Email);

    [Theory]
    [InlineData("""{}""", "no claim email")]
    [InlineData("""{"Email":"kate@example.com"}""", "no claim email")]
    [InlineData("""{"email":null}""", "one string")]
    [InlineData("""{"email":["kate@example.com"]}""", "one string")]
    [InlineData("""{"email":["kate@example.com","other@example.com"]}""", "one string")]
    [InlineData("""{"email":{"value":"kate@example.com"}}""", "one string")]
    [InlineData("""{"email":1}""", "one string")]
    [InlineData("""{"email":"\u212Aate@example.com"}""", "printable ASCII")]
    [InlineData("""{"email":"kate@example.com\u00a0"}""", "printable ASCII")]
    [InlineData("""{"email":" kate@example.com"}""", "printable ASCII")]
    [InlineData("""{"email":"kate@example.com\u0000"}""", "printable ASCII")]
    [InlineData("""{"email":"kate"}""", "printable ASCII")]
    [InlineData("""{"email":"\ud800@example.com"}""", "Unicode")]
    [InlineData("""{"email":"kate@example.com","email":"other@example.com"}""", "twice")]
    [InlineData("""{"email":"kate@example.com","\u0065mail":"other@example.com"}""", "twice")]
    [InlineData("""{"email":"kate@example.com","email_verified":false,"email_verified":true}""", "twice")]
    [InlineData("""{"email":"kate@example.com","email_verified":false}""", "email_verified")]
    [InlineData("""{"email":"kate@example.com","email_verified":"False"}""", "email_verified")]
    [InlineData("""{"email":"kate@example.com","email_verified":"True"}""", "email_verified")]
    [InlineData("""{"email":"kate@example.com","email_verified":"no"}""", "email_verified")]
    [InlineData("""{"email":"kate@example.com","email_verified":0}""", "email_verified")]
    [InlineData("""{"email":"kate@example.com","email_verified":1}""", "email_verified")]
    [InlineData("""{"email":"kate@example.com","email_verified":null}""", "email_verified")]
    [InlineData("""{"email":"kate@example.com","email_verified":[true]}""", "email_verified")]
    [InlineData("""["kate@example.com"]""", "no claim email")]
    [InlineData("""{"email":"kate@""", "JSON")]
    public void Of_AnythingElse_IsRefusedWithTheReason(string payload, string reason)
    {
        var identity = Read(payload);

        Assert.Null(identity.Email);
        Assert.Contains(reason, identity.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_OtherClaim_IsReadAndNamed()
    {
        Assert.Equal("kate@example.com", TokenIdentity.Of("""{"upn":"kate@example.com"}"""u8.ToArray(), "upn").Email);
        Assert.Contains("upn", TokenIdentity.Of("""{"email":"kate@example.com"}"""u8.ToArray(), "upn").Refusal, StringComparison.Ordinal);
    }

    private static TokenIdentity Read(string payload) => TokenIdentity.Of(Encoding.UTF8.GetBytes(payload), "email");
}
