using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Users;

public sealed class BearerTokenTests : ProductTest, IClassFixture<BearerTokenTests.Fixture>
{
    private const string Issuer = "https://issuer.example";
    private const string Audience = "urlshortener";
    private const string Email = "token@example.com";
    private static readonly byte[] SigningKey = RandomNumberGenerator.GetBytes(32);

    private readonly ProductProcess _product;

    public BearerTokenTests(Fixture fixture) => _product = Share(fixture.Product);

    [Fact]
    [Trait("Case", "F-12")]
    public async Task F12_BearerAuth_ValidToken_IsTheUserOfItsEmail()
    {
        var token = Sign(Claims());

        var created = await _product.Anonymous.CreateAsync(new { original_url = "https://example.com/" }, Header(token));

        Assert.True(created.Status == 201, created.ToString());
        var code = created.Json.GetProperty("short_code").GetString();
        Assert.Equal(200, (await _product.Anonymous.GetAsync($"/api/v1/urls/{code}", Header(token))).Status);
        (await _product.Owner.GetAsync($"/api/v1/urls/{code}")).ShouldBeProblem(403, "FORBIDDEN");
    }

    [Fact]
    [Trait("Case", "F-12")]
    public async Task F12_BearerAuth_EmailInOtherCase_IsTheSameUser() =>
        Assert.Equal(200, (await _product.Anonymous.GetAsync("/api/v1/urls", Header(Sign(Claims(email: "Token@Example.com"))))).Status);

    [Fact]
    [Trait("Case", "F-12")]
    public async Task F12_BearerAuth_WrongSignature_Returns401() => await AssertRefusedAsync(Sign(Claims(), RandomNumberGenerator.GetBytes(32)));

    [Fact]
    [Trait("Case", "F-12")]
    public async Task F12_BearerAuth_ChangedAfterSigning_Returns401()
    {
        var parts = Sign(Claims()).Split('.');

        await AssertRefusedAsync($"{parts[0]}.{Encode(Claims(email: "owner@localhost"))}.{parts[2]}");
    }

    [Fact]
    [Trait("Case", "F-12")]
    public async Task F12_BearerAuth_NoSignature_Returns401()
    {
        await AssertRefusedAsync($"{Encode(new() { ["alg"] = "none", ["typ"] = "JWT" })}.{Encode(Claims())}.");
        await AssertRefusedAsync($"{Encode(new() { ["alg"] = "HS256", ["typ"] = "JWT" })}.{Encode(Claims())}.");
    }

    [Fact]
    [Trait("Case", "F-12")]
    public async Task F12_BearerAuth_OtherAlgorithm_Returns401()
    {
        var head = $"{Encode(new() { ["alg"] = "HS512", ["typ"] = "JWT" })}.{Encode(Claims())}";

        await AssertRefusedAsync($"{head}.{Base64Url.EncodeToString(HMACSHA512.HashData(SigningKey, Encoding.ASCII.GetBytes(head)))}");
    }

    [Fact]
    [Trait("Case", "F-12")]
    public async Task F12_BearerAuth_Expired_Returns401() => await AssertRefusedAsync(Sign(Claims(expiresIn: TimeSpan.FromMinutes(-5))));

    [Fact]
    [Trait("Case", "F-12")]
    public async Task F12_BearerAuth_NoExpiry_Returns401()
    {
        var claims = Claims();
        claims.Remove("exp");

        await AssertRefusedAsync(Sign(claims));
    }

    [Fact]
    [Trait("Case", "F-12")]
    public async Task F12_BearerAuth_OtherAudience_Returns401() => await AssertRefusedAsync(Sign(Claims(audience: "another")));

    [Fact]
    [Trait("Case", "F-12")]
    public async Task F12_BearerAuth_OtherIssuer_Returns401() => await AssertRefusedAsync(Sign(Claims(issuer: "https://other.example")));

    [Fact]
    [Trait("Case", "F-12")]
    public async Task F12_BearerAuth_UnknownEmail_Returns401() => await AssertRefusedAsync(Sign(Claims(email: "stranger@example.com")));

    [Fact]
    [Trait("Case", "F-12")]
    public async Task F12_BearerAuth_EmailNotVerified_Returns401()
    {
        var claims = Claims();
        claims["email_verified"] = false;

        await AssertRefusedAsync(Sign(claims));
    }

    [Theory]
    [InlineData("\u212Aate@example.com")]
    [InlineData("token@example.com\u00a0")]
    [InlineData("tok\u0435n@example.com")]
    [InlineData(" token@example.com")]
    public async Task Bearer_EmailThatOnlyLooksLikeOne_Returns401(string email)
    {
        await _product.RunCommandAsync("users", "create", "--email", "kate@example.com");

        await AssertRefusedAsync(Sign(Claims(email: email)), "printable ASCII");
    }

    [Fact]
    public async Task Bearer_EmailIsAnArray_Returns401()
    {
        foreach (
            var emails in (string[][])
                [
                    [Email],
                    [Email, "other@example.com"],
                ]
        )
        {
            var claims = Claims();
            claims["email"] = emails;
            await AssertRefusedAsync(Sign(claims), "one string");
        }
    }

    [Fact]
    public async Task Bearer_EmailVerified_MustBeTrueWhenPresent()
    {
        foreach (var value in (object[])["False", "no", "", "TRUE", 0, 1, new[] { true }])
        {
            var claims = Claims();
            claims["email_verified"] = value;
            await AssertRefusedAsync(Sign(claims), "email_verified");
        }

        foreach (var value in (object[])[true, "true"])
        {
            var claims = Claims();
            claims["email_verified"] = value;
            Assert.Equal(200, (await _product.Anonymous.GetAsync("/api/v1/urls", Header(Sign(claims)))).Status);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("x.y.z")]
    [InlineData("e30.e30.e30")]
    [Trait("Case", "F-12")]
    public async Task F12_BearerAuth_Nonsense_Returns401(string token) => await AssertRefusedAsync(token);

    private static (string, string) Header(string token) => ("Authorization", $"Bearer {token}");

    private async Task AssertRefusedAsync(string token, string reason = "Bearer token")
    {
        var problem = (await _product.Anonymous.GetAsync("/api/v1/urls", Header(token))).ShouldBeProblem(401, "UNAUTHORIZED");
        Assert.Contains(reason, problem.GetProperty("error").GetString(), StringComparison.Ordinal);
        // Never anonymous instead.
        (await _product.Anonymous.CreateAsync(new { original_url = "https://example.com/" }, Header(token))).ShouldBeProblem(401, "UNAUTHORIZED");
    }

    private static Dictionary<string, object> Claims(string email = Email, string issuer = Issuer, string audience = Audience, TimeSpan? expiresIn = null) =>
        new()
        {
            ["iss"] = issuer,
            ["aud"] = audience,
            ["email"] = email,
            ["exp"] = TimeProvider.System.GetUtcNow().Add(expiresIn ?? TimeSpan.FromHours(1)).ToUnixTimeSeconds(),
        };

    private static string Sign(Dictionary<string, object> claims, byte[]? key = null)
    {
        var head = $"{Encode(new() { ["alg"] = "HS256", ["typ"] = "JWT" })}.{Encode(claims)}";
        return $"{head}.{Base64Url.EncodeToString(HMACSHA256.HashData(key ?? SigningKey, Encoding.ASCII.GetBytes(head)))}";
    }

    private static string Encode(Dictionary<string, object> part) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(part));

    /// <summary>A product that accepts tokens, with one user whom they name.</summary>
    public sealed class Fixture : IAsyncLifetime
    {
        private readonly SharedProduct _shared = new();

        internal ProductProcess Product => _shared.Product;

        public async ValueTask InitializeAsync()
        {
            await _shared.StartAsync(
                "--RateLimiting:Anonymous=1000000",
                $"--Authentication:Jwt:SigningKey={Convert.ToBase64String(SigningKey)}",
                $"--Authentication:Jwt:Issuer={Issuer}",
                $"--Authentication:Jwt:Audience={Audience}"
            );
            if (_shared.IsStarted)
                await Product.CreateUserAsync(Email);
        }

        public ValueTask DisposeAsync() => _shared.DisposeAsync();
    }
}
