using UrlShortener.EndToEnd.Tests.Product;
using UrlShortener.TestHarness.Tracing;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Users.Issuers;

/// <summary>Bearer tokens of an issuer with discovery, published keys and a private CA.</summary>
public sealed class OpenIdProviderTests : ProductTest
{
    private const string Audience = "urlshortener";
    private const string Email = "kate@example.com";

    [Fact]
    public async Task Token_OfTheProvider_IsTheUserOfItsEmailAndNothingElsePasses()
    {
        await using var provider = new OpenIdProvider();
        using var stranger = new SigningKey();
        var key = new SigningKey();
        provider.Published = [key];
        await provider.StartAsync();
        var product = await StartWithAsync(provider);

        Assert.Equal(200, (await ListAsync(product, key.Sign(Claims(provider)))).Status);
        Assert.Equal(200, (await ListAsync(product, key.Sign(Claims(provider, email: "KATE@example.com")))).Status);
        await AssertRefusedAsync(product, key.Sign(Claims(provider, email: "\u212Aate@example.com")), "printable ASCII");
        await AssertRefusedAsync(product, stranger.Sign(Claims(provider)), "not valid");
        await AssertRefusedAsync(product, key.Unsigned(Claims(provider)), "not valid");
        await AssertRefusedAsync(product, key.ForgeWithPublicKey(Claims(provider), asPem: true), "not valid");
        await AssertRefusedAsync(product, key.ForgeWithPublicKey(Claims(provider), asPem: false), "not valid");
        await AssertRefusedAsync(product, key.Sign(Claims(provider, issuer: "https://localhost")), "not valid");
        await AssertRefusedAsync(product, key.Sign(Claims(provider, audience: "another")), "audience");
        await AssertRefusedAsync(product, key.Sign(Claims(provider, expiresIn: TimeSpan.FromMinutes(-2))), "expired");
        await AssertRefusedAsync(product, key.Sign(Claims(provider, validIn: TimeSpan.FromMinutes(2))), "not valid yet");
    }

    [Fact]
    public async Task Keys_Rotated_NewOneWorksAndWithdrawnOneStops()
    {
        await using var provider = new OpenIdProvider();
        using var old = new SigningKey();
        var renewed = new SigningKey();
        provider.Published = [old];
        await provider.StartAsync();
        var product = await StartWithAsync(provider);
        Assert.Equal(200, (await ListAsync(product, old.Sign(Claims(provider)))).Status);

        provider.Published = [renewed];

        await Eventually.ReadAsync(() => ListAsync(product, renewed.Sign(Claims(provider))), reply => reply.Status == 200, "the new key works");
        await AssertRefusedAsync(product, old.Sign(Claims(provider)), "not valid");
    }

    [Fact]
    public async Task Provider_Away_IsNotTheTokensFault()
    {
        await using var provider = new OpenIdProvider();
        var key = new SigningKey();
        provider.Published = [key];
        await provider.StartAsync();
        await provider.StopAsync();

        // The product starts without its provider, and says what is missing.
        var product = await StartWithAsync(provider);
        var unavailable = await ListAsync(product, key.Sign(Claims(provider)));
        unavailable.ShouldBeProblem(503, "UNAVAILABLE");
        Assert.NotNull(unavailable.Header("Retry-After"));
        Assert.Equal(200, (await product.Owner.GetAsync("/api/v1/urls")).Status);

        await provider.StartAsync();
        await Eventually.ReadAsync(() => ListAsync(product, key.Sign(Claims(provider))), reply => reply.Status == 200, "the provider is back");

        // Keys that were read once outlive the provider, and a forger gains nothing.
        await provider.StopAsync();
        Assert.Equal(200, (await ListAsync(product, key.Sign(Claims(provider)))).Status);
        using var stranger = new SigningKey();
        await AssertRefusedAsync(product, stranger.Sign(Claims(provider)), "not valid");
        Assert.Equal(200, (await ListAsync(product, key.Sign(Claims(provider)))).Status);
    }

    [Fact]
    public async Task Provider_OfAnUnknownCa_IsNotTrusted()
    {
        await using var provider = new OpenIdProvider();
        await using var other = new OpenIdProvider();
        var key = new SigningKey();
        provider.Published = [key];
        await provider.StartAsync();
        var product = await StartWithAsync(provider, trusted: other);

        (await ListAsync(product, key.Sign(Claims(provider)))).ShouldBeProblem(503, "UNAVAILABLE");
        Assert.Equal(0, provider.KeyReads);
    }

    [Fact]
    public async Task Provider_TracesAreOn_GetsTheContext()
    {
        await using var provider = new OpenIdProvider();
        await using var collector = await Collector.StartAsync();
        var key = new SigningKey();
        provider.Published = [key];
        await provider.StartAsync();
        var product = await StartWithAsync(provider, trusted: null, $"--Tracing:Endpoint={collector.Endpoint}", "--Tracing:SampleRatio=1");

        Assert.Equal(200, (await ListAsync(product, key.Sign(Claims(provider)))).Status);

        // A trace of its own: all requests share the keys.
        var call = await collector.WaitAsync(
            span => provider.TraceParent?.StartsWith($"00-{span.TraceId}-{span.SpanId}-", StringComparison.Ordinal) == true,
            "the request to the provider"
        );
        Assert.Equal(("System.Net.Http", ""), (call.Source, call.ParentId));
    }

    private async Task<ProductProcess> StartWithAsync(OpenIdProvider provider, OpenIdProvider? trusted = null, params string[] settings)
    {
        var ca = NewFolder().PathOf("ca.pem");
        await (trusted ?? provider).WriteAuthorityAsync(ca);
        var product = await StartAsync([
            "--RateLimiting:Anonymous=1000000",
            $"--Authentication:Jwt:Authority={provider.Issuer}",
            $"--Authentication:Jwt:Audience={Audience}",
            $"--Authentication:Jwt:CaPath={ca}",
            "--Authentication:Jwt:KeyRetryInterval=00:00:01",
            .. settings,
        ]);
        await product.CreateUserAsync(Email);
        return product;
    }

    private static Task<Reply> ListAsync(ProductProcess product, string token) =>
        product.Anonymous.GetAsync("/api/v1/urls", ("Authorization", $"Bearer {token}"));

    private static async Task AssertRefusedAsync(ProductProcess product, string token, string reason)
    {
        var problem = (await ListAsync(product, token)).ShouldBeProblem(401, "UNAUTHORIZED");
        Assert.Contains(reason, problem.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    private static Dictionary<string, object> Claims(
        OpenIdProvider provider,
        string email = Email,
        string? issuer = null,
        string audience = Audience,
        TimeSpan? expiresIn = null,
        TimeSpan? validIn = null
    )
    {
        var now = TimeProvider.System.GetUtcNow();
        return new()
        {
            ["iss"] = issuer ?? provider.Issuer,
            ["aud"] = audience,
            ["email"] = email,
            ["email_verified"] = true,
            ["nbf"] = now.Add(validIn ?? TimeSpan.FromMinutes(-5)).ToUnixTimeSeconds(),
            ["exp"] = now.Add(expiresIn ?? TimeSpan.FromHours(1)).ToUnixTimeSeconds(),
        };
    }
}
