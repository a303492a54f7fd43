using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Links;

public sealed class BulkTests : ProductTest, IClassFixture<ProductFixture>
{
    private readonly ProductProcess _product;

    public BulkTests(ProductFixture fixture) => _product = Share(fixture.Product);

    [Fact]
    [Trait("Case", "F-08")]
    public async Task F08_BulkCreate_AllGood_Returns201InTheOrderOfTheRequest()
    {
        var alias = NewAlias();

        var reply = await _product.Owner.CreateManyAsync([
            .. Enumerable.Range(0, 50).Select(number => new { original_url = $"https://example.com/{number}" }),
            new { original_url = "https://example.com/alias", custom_alias = alias },
        ]);

        Assert.True(reply.Status == 201, reply.ToString());
        var results = reply.Json.GetProperty("results").EnumerateArray().ToList();
        Assert.Equal(51, reply.Json.GetProperty("created").GetInt32());
        Assert.Equal(0, reply.Json.GetProperty("failed").GetInt32());
        Assert.All(results, result => Assert.Equal("created", result.GetProperty("status").GetString()));
        Assert.Equal(
            [.. Enumerable.Range(0, 50).Select(number => $"https://example.com/{number}"), "https://example.com/alias"],
            results.Select(result => result.GetProperty("original_url").GetString())
        );
        Assert.Equal(alias, results[50].GetProperty("short_code").GetString());
        foreach (var result in results)
        {
            var followed = await _product.Anonymous.GetAsync(new Uri(result.GetProperty("short_url").GetString()!).AbsolutePath);
            Assert.Equal(result.GetProperty("original_url").GetString(), followed.Header("Location"));
        }
    }

    [Fact]
    [Trait("Case", "F-08")]
    public async Task F08_BulkCreate_SomeBad_Returns207WithAStatusForEach()
    {
        var taken = NewAlias();
        var twice = NewAlias();
        Assert.Equal(201, (await _product.Owner.CreateAsync(new { original_url = "https://example.com/", custom_alias = taken })).Status);

        var reply = await _product.Owner.CreateManyAsync([
            new { original_url = "https://example.com/good" },
            new { original_url = "nonsense" },
            new { original_url = "https://example.com/taken", custom_alias = taken },
            new { original_url = "https://example.com/short", custom_alias = "abc" },
            new { original_url = "https://example.com/twice", custom_alias = twice },
            new { original_url = "https://example.com/twice", custom_alias = twice },
            new { original_url = "https://example.com/days", expires_in_days = 0 },
            null!,
        ]);

        Assert.True(reply.Status == 207, reply.ToString());
        var results = reply.Json.GetProperty("results").EnumerateArray().ToList();
        Assert.Equal([201, 400, 409, 400, 201, 409, 400, 400], results.Select(result => result.GetProperty("status_code").GetInt32()));
        Assert.Equal(
            [null, "INVALID_URL", "ALIAS_EXISTS", "INVALID_ALIAS", null, "ALIAS_EXISTS", "INVALID_REQUEST", "INVALID_REQUEST"],
            results.Select(result => result.TryGetProperty("code", out var code) ? code.GetString() : null)
        );
        Assert.Equal(
            ["created", "failed", "failed", "failed", "created", "failed", "failed", "failed"],
            results.Select(result => result.GetProperty("status").GetString())
        );
        Assert.Equal("nonsense", results[1].GetProperty("original_url").GetString());
        Assert.Equal(2, reply.Json.GetProperty("created").GetInt32());
        Assert.Equal(6, reply.Json.GetProperty("failed").GetInt32());
    }

    [Theory]
    [InlineData("free", 1_000)]
    [InlineData("enterprise", 10_000)]
    [Trait("Case", "F-08")]
    public async Task F08_BulkCreate_MoreThanTheLimit_Returns400(string tier, int limit)
    {
        var user = await _product.CreateUserByCommandAsync(NewEmail(), "--tier", tier);

        var reply = await user.CreateManyAsync(Enumerable.Repeat(new { original_url = "https://example.com/" }, limit + 1));

        reply.ShouldBeProblem(400, "INVALID_REQUEST");
        Assert.Equal(0, (await user.GetAsync("/api/v1/urls")).Json.GetProperty("urls").GetArrayLength());
    }

    [Fact]
    [Trait("Case", "F-08")]
    public async Task F08_BulkCreate_Empty_Returns400()
    {
        (await _product.Owner.CreateManyAsync([])).ShouldBeProblem(400, "INVALID_REQUEST");
        (await _product.Owner.PostAsync("/api/v1/urls/bulk", new { })).ShouldBeProblem(400, "INVALID_REQUEST");
    }

    [Fact]
    [Trait("Case", "F-08")]
    public async Task F08_BulkCreate_Anonymous_Returns401() =>
        (await _product.Anonymous.CreateManyAsync([new { original_url = "https://example.com/" }])).ShouldBeProblem(401, "UNAUTHORIZED");
}
