using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Users;

public sealed class ApiKeyTests : ProductTest, IClassFixture<ProductFixture>
{
    private readonly ProductProcess _product;

    public ApiKeyTests(ProductFixture fixture) => _product = Share(fixture.Product);

    public static TheoryData<string, string> OwnerEndpoints =>
        new()
        {
            { "GET", "/api/v1/urls" },
            { "POST", "/api/v1/urls/bulk" },
            { "GET", "/api/v1/urls/abcdefg" },
            { "PATCH", "/api/v1/urls/abcdefg" },
            { "DELETE", "/api/v1/urls/abcdefg" },
            { "GET", "/api/v1/urls/abcdefg/stats" },
        };

    [Theory]
    [InlineData("")]
    [InlineData("usk_")]
    [InlineData("not-a-key")]
    [InlineData("usk_0000000000000000000000000000000000000000000")]
    [Trait("Case", "F-12")]
    public async Task F12_ApiKeyAuth_InvalidKey_Returns401NotAnonymous(string key)
    {
        foreach (var candidate in new[] { key, key + new string('x', 5_000) })
        {
            var stranger = new ApiClient(_product.Http, candidate);
            var alias = NewAlias();

            var reply = await stranger.CreateAsync(new { original_url = "https://example.com/", custom_alias = alias });

            reply.ShouldBeProblem(401, "UNAUTHORIZED");
            Assert.NotNull(reply.Header("WWW-Authenticate"));
            Assert.Equal(404, (await _product.Anonymous.GetAsync($"/{alias}")).Status);
            (await stranger.GetAsync("/api/v1/urls")).ShouldBeProblem(401, "UNAUTHORIZED");
        }
    }

    [Fact]
    [Trait("Case", "F-12")]
    public async Task F12_ApiKeyAuth_KeyInOtherCase_Returns401()
    {
        var swapped = new string([.. _product.ApiKey.Select(c => char.IsUpper(c) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c))]);

        (await new ApiClient(_product.Http, swapped).GetAsync("/api/v1/urls")).ShouldBeProblem(401, "UNAUTHORIZED");
    }

    [Theory]
    [MemberData(nameof(OwnerEndpoints))]
    [Trait("Case", "F-12")]
    public async Task F12_ApiKeyAuth_NoKeyWhereAUserIsNeeded_Returns401(string method, string path)
    {
        var body = method is "POST" or "PATCH" ? new { original_url = "https://example.com/" } : null;

        (await _product.Anonymous.SendAsync(new HttpMethod(method), path, body)).ShouldBeProblem(401, "UNAUTHORIZED");
    }

    [Theory]
    [InlineData("Basic dXNlcjpwYXNz")]
    [InlineData("Bearer x.y.z")]
    [InlineData("Bearer usk_0000000000000000000000000000000000000000000")]
    [InlineData("nonsense")]
    [Trait("Case", "F-12")]
    public async Task F12_ApiKeyAuth_OtherCredential_Returns401(string authorization) =>
        (await _product.Anonymous.CreateAsync(new { original_url = "https://example.com/" }, ("Authorization", authorization))).ShouldBeProblem(
            401,
            "UNAUTHORIZED"
        );

    [Theory]
    [InlineData("Bearer")]
    [InlineData("bearer")]
    [Trait("Case", "F-12")]
    public async Task F12_ApiKeyAuth_KeyAsBearerToken_IsAccepted(string scheme) =>
        Assert.Equal(200, (await _product.Anonymous.GetAsync("/api/v1/urls", ("Authorization", $"{scheme} {_product.ApiKey}"))).Status);

    [Fact]
    [Trait("Case", "F-12")]
    public async Task F12_ApiKeyAuth_TwoKeys_Returns401() =>
        (await _product.Owner.GetAsync("/api/v1/urls", ("X-API-Key", "usk_second"))).ShouldBeProblem(401, "UNAUTHORIZED");

    [Theory]
    [InlineData("Basic dXNlcjpwYXNz", "Bearer token only")]
    [InlineData("Bearer x.y.z", "Bearer tokens are not accepted here")]
    [InlineData("Bearer usk_0000000000000000000000000000000000000000000", "API key is not valid")]
    [InlineData("", "Bearer token only")]
    public async Task GoodKey_BesideABadAuthorization_Returns401(string authorization, string reason)
    {
        var problem = (await _product.Owner.GetAsync("/api/v1/urls", ("Authorization", authorization))).ShouldBeProblem(401, "UNAUTHORIZED");

        Assert.Contains(reason, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task BadKey_BesideAGoodAuthorization_Returns401() =>
        (await new ApiClient(_product.Http, "usk_bad").GetAsync("/api/v1/urls", ("Authorization", $"Bearer {_product.ApiKey}"))).ShouldBeProblem(
            401,
            "UNAUTHORIZED"
        );

    [Fact]
    public async Task KeysOfTwoUsers_InBothHeaders_Returns401AndSaysSo()
    {
        var other = await _product.CreateUserAsync(NewEmail());

        var problem = (await _product.Owner.GetAsync("/api/v1/urls", ("Authorization", $"Bearer {other.ApiKey}"))).ShouldBeProblem(401, "UNAUTHORIZED");

        Assert.Contains("name different users", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SameKey_InBothHeaders_IsAccepted() =>
        Assert.Equal(200, (await _product.Owner.GetAsync("/api/v1/urls", ("Authorization", $"Bearer {_product.ApiKey}"))).Status);

    [Fact]
    public async Task List_OwnLinks_PagesNewestFirst()
    {
        var user = await _product.CreateUserAsync(NewEmail());
        var codes = new List<string>();
        for (var number = 0; number < 5; number++)
            codes.Add(await user.CreateLinkAsync($"https://example.com/{number}"));
        codes.Reverse();

        var found = new List<string>();
        string? cursor = null;
        do
        {
            var page = (await user.GetAsync($"/api/v1/urls?limit=2{(cursor is null ? "" : $"&cursor={cursor}")}")).Json;
            found.AddRange(page.GetProperty("urls").EnumerateArray().Select(link => link.GetProperty("short_code").GetString()!));
            cursor = page.GetProperty("next_cursor").GetString();
        } while (cursor is not null);

        Assert.Equal(codes, found);
        Assert.Equal(
            [codes[2]],
            (await user.GetAsync("/api/v1/urls?target=example.com/2"))
                .Json.GetProperty("urls")
                .EnumerateArray()
                .Select(link => link.GetProperty("short_code").GetString())
        );
    }
}
