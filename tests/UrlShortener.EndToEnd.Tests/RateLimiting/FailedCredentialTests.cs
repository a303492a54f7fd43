using System.Globalization;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.RateLimiting;

/// <summary>Guesses of keys and tokens end at the address they come from, before the store.</summary>
public sealed class FailedCredentialTests : ProductTest
{
    private const int Guesses = 200;
    private static readonly object Link = new { original_url = "https://example.com/" };

    [Fact]
    public async Task Keys_GuessedAtOnce_CostTheStoreAFewReadsOnly()
    {
        var product = await StartAsync("--RateLimiting:Anonymous=1000000", "--RateLimiting:FailedCredentials=10");
        var user = await product.CreateUserAsync(NewEmail());
        Assert.Equal(201, (await user.CreateAsync(Link)).Status);
        var before = await ReadsAsync(product);

        var replies = await Task.WhenAll(Enumerable.Range(0, Guesses).Select(_ => new ApiClient(product.Http, $"usk_{Guid.NewGuid():N}").CreateAsync(Link)));

        // Some reads are not the guesses' but polls, which take as many as the machine is slow.
        Assert.InRange((await ReadsAsync(product)) - before, 10, Guesses / 2);
        Assert.Equal(Guesses, replies.Count(reply => reply.Status is 401 or 429));
        var refused = replies.First(reply => reply.Status == 429);
        refused.ShouldBeProblem(429, "RATE_LIMIT_EXCEEDED");
        Assert.NotNull(refused.Header("Retry-After"));
        // Who was here before is not shut out by a neighbour, nor is who needs no key.
        Assert.Equal(201, (await user.CreateAsync(Link)).Status);
        Assert.Equal(201, (await product.Anonymous.CreateAsync(Link)).Status);
    }

    [Fact]
    public async Task Keys_ManyValidOnesAtOnce_AllPass()
    {
        var product = await StartAsync("--RateLimiting:FailedCredentials=2");
        var users = new List<ApiClient>();
        for (var i = 0; i < 8; i++)
            users.Add(await product.CreateUserAsync(NewEmail()));

        var replies = await Task.WhenAll(users.Select(user => user.CreateAsync(Link)));

        Assert.All(replies, reply => Assert.True(reply.Status == 201, reply.ToString()));
    }

    [Fact]
    public async Task Tokens_Invalid_CountTheSameWay()
    {
        var product = await StartAsync(
            "--RateLimiting:Anonymous=1000000",
            "--RateLimiting:FailedCredentials=5",
            $"--Authentication:Jwt:SigningKey={Convert.ToBase64String(new byte[32])}",
            "--Authentication:Jwt:Issuer=https://issuer.example",
            "--Authentication:Jwt:Audience=x"
        );
        Assert.Equal(201, (await product.Owner.CreateAsync(Link)).Status);
        var statuses = new List<int>();
        for (var i = 0; i < 8; i++)
            statuses.Add((await product.Anonymous.CreateAsync(Link, ("Authorization", $"Bearer {Guid.NewGuid():N}"))).Status);

        Assert.Equal([401, 401, 401, 401, 401], statuses.Take(5));
        Assert.Contains(429, statuses);
        Assert.Equal(201, (await product.Owner.CreateAsync(Link)).Status);
    }

    [Fact]
    public async Task Anonymous_ManySubnetsOfOneSite_ShareALimit()
    {
        var product = await StartAsync("--Proxies:Trusted:0=127.0.0.1", "--Links:PublicBaseUrl=https://sho.rt", "--RateLimiting:Anonymous=1");
        var passed = 0;
        Reply? refused = null;
        for (var subnet = 0; subnet < 60 && refused is null; subnet++)
        {
            var reply = await product.Anonymous.CreateAsync(
                Link,
                ("X-Forwarded-For", string.Create(CultureInfo.InvariantCulture, $"2001:db8:7:{subnet:x}::1"))
            );
            passed += reply.Status == 201 ? 1 : 0;
            refused = reply.Status == 429 ? reply : null;
        }

        Assert.InRange(passed, 16, 59);
        Assert.Equal("\"anonymous\";q=16;w=60", refused!.Header("RateLimit-Policy"));
        Assert.Equal(201, (await product.Anonymous.CreateAsync(Link, ("X-Forwarded-For", "2001:db8:8::1"))).Status);
    }

    private static Task<double> ReadsAsync(ProductProcess product) => product.ReadMetricAsync("shortener_store_operation_seconds_count", "operation=\"read\"");
}
