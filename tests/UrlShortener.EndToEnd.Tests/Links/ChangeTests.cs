using System.Text.Json;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Links;

public sealed class ChangeTests : ProductTest, IClassFixture<ProductFixture>
{
    private readonly ProductProcess _product;

    public ChangeTests(ProductFixture fixture) => _product = Share(fixture.Product);

    [Fact]
    [Trait("Case", "F-09")]
    public async Task F09_UpdateUrl_Owner_IsInForceAtOnce()
    {
        var code = await _product.Owner.CreateLinkAsync("https://example.com/0");

        for (var version = 1; version <= 20; version++)
        {
            // Followed before, so that the old target is in the cache.
            await _product.Anonymous.GetAsync($"/{code}");
            var target = $"https://example.com/{version}";
            var reply = await _product.Owner.PatchAsync($"/api/v1/urls/{code}", new { original_url = target });

            Assert.True(reply.Status == 200, reply.ToString());
            Assert.Equal("URL updated", reply.Json.GetProperty("message").GetString());
            Assert.Equal(target, reply.Json.GetProperty("url").GetProperty("original_url").GetString());
            Assert.Equal(target, (await _product.Anonymous.GetAsync($"/{code}")).Header("Location"));
        }
    }

    [Fact]
    [Trait("Case", "F-09")]
    public async Task F09_UpdateUrl_UnderSteadyTraffic_NoStaleAnswerAfterThe200()
    {
        var code = await _product.Owner.CreateLinkAsync("https://example.com/0");
        var acknowledged = 0;
        using var stop = new CancellationTokenSource();
        var visitors = Enumerable
            .Range(0, 4)
            .Select(async _ =>
            {
                var stale = new List<string>();
                while (!stop.IsCancellationRequested)
                {
                    var known = Volatile.Read(ref acknowledged);
                    var location = (await _product.Anonymous.GetAsync($"/{code}")).Header("Location")!;
                    if (int.Parse(location[(location.LastIndexOf('/') + 1)..], System.Globalization.CultureInfo.InvariantCulture) < known)
                        stale.Add($"{location} after {known}");
                }

                return stale;
            })
            .ToList();

        for (var version = 1; version <= 50; version++)
        {
            Assert.Equal(200, (await _product.Owner.PatchAsync($"/api/v1/urls/{code}", new { original_url = $"https://example.com/{version}" })).Status);
            Volatile.Write(ref acknowledged, version);
        }

        await stop.CancelAsync();
        Assert.Empty((await Task.WhenAll(visitors)).SelectMany(stale => stale));
    }

    [Fact]
    [Trait("Case", "F-09")]
    public async Task F09_UpdateUrl_SwitchedOffAndOn_Answers404Then302()
    {
        var code = await _product.Owner.CreateLinkAsync();

        Assert.Equal(200, (await _product.Owner.PatchAsync($"/api/v1/urls/{code}", new { is_active = false })).Status);
        (await _product.Anonymous.GetAsync($"/{code}")).ShouldBeProblem(404, "URL_NOT_FOUND");
        Assert.Equal(200, (await _product.Owner.PatchAsync($"/api/v1/urls/{code}", new { is_active = true, redirect_type = 307 })).Status);

        Assert.Equal(307, (await _product.Anonymous.GetAsync($"/{code}")).Status);
    }

    [Fact]
    [Trait("Case", "F-09")]
    public async Task F09_UpdateUrl_NullAndNeverExpires_ClearTheEndWhereTheySaySo()
    {
        var created = await _product.Owner.CreateAsync(new { original_url = "https://example.com/", expires_in_days = 1 });
        var code = created.Json.GetProperty("short_code").GetString();

        var untouched = await _product.Owner.PatchAsync($"/api/v1/urls/{code}", new { original_url = "https://example.com/other" });
        // As a generated client sends it that sets one member.
        var unset = await _product.Owner.PatchAsync(
            $"/api/v1/urls/{code}",
            new
            {
                is_active = true,
                expires_at = (string?)null,
                original_url = (string?)null,
                never_expires = (bool?)null,
            }
        );
        var cleared = await _product.Owner.PatchAsync($"/api/v1/urls/{code}", new { never_expires = true });

        Assert.Equal(created.Json.GetProperty("expires_at").GetString(), untouched.Json.GetProperty("url").GetProperty("expires_at").GetString());
        Assert.Equal(created.Json.GetProperty("expires_at").GetString(), unset.Json.GetProperty("url").GetProperty("expires_at").GetString());
        Assert.Equal(JsonValueKind.Null, cleared.Json.GetProperty("url").GetProperty("expires_at").ValueKind);
        Assert.Equal(JsonValueKind.Null, (await _product.Owner.GetAsync($"/api/v1/urls/{code}")).Json.GetProperty("expires_at").ValueKind);
    }

    [Fact]
    [Trait("Case", "F-09")]
    public async Task F09_UpdateUrl_MergePatch_RemovesWhatIsNull()
    {
        var created = await _product.Owner.CreateAsync(
            new
            {
                original_url = "https://example.com/",
                expires_in_days = 1,
                metadata = new { campaign = "spring" },
            }
        );
        var code = created.Json.GetProperty("short_code").GetString();
        StringContent Patch(string body) => new(body, System.Text.Encoding.UTF8, "application/merge-patch+json");

        var refused = await _product.Owner.PatchAsync($"/api/v1/urls/{code}", Patch("""{"expires_at":null,"is_active":null}"""));
        var cleared = await _product.Owner.PatchAsync($"/api/v1/urls/{code}", Patch("""{"expires_at":null,"metadata":null}"""));

        Assert.Equal(
            "is_active",
            Assert.Single(refused.ShouldBeProblem(400, "INVALID_REQUEST").GetProperty("errors").EnumerateArray()).GetProperty("field").GetString()
        );
        Assert.Equal(JsonValueKind.Null, cleared.Json.GetProperty("url").GetProperty("expires_at").ValueKind);
        Assert.Equal("{}", cleared.Json.GetProperty("url").GetProperty("metadata").GetRawText());
    }

    [Theory]
    [InlineData("""{}""", "INVALID_REQUEST")]
    [InlineData("""{"original_url":"ftp://example.com/"}""", "INVALID_URL")]
    [InlineData("""{"expires_at":"2001-01-01T00:00:00Z"}""", "INVALID_REQUEST")]
    [InlineData("""{"expires_at":"tomorrow"}""", "INVALID_REQUEST")]
    [InlineData("""{"expires_at":"2999-01-01T00:00:00Z"}""", "INVALID_REQUEST")]
    [InlineData("""{"is_active":"yes"}""", "INVALID_REQUEST")]
    [InlineData("""{"short_code":"other"}""", "INVALID_REQUEST")]
    [Trait("Case", "F-09")]
    public async Task F09_UpdateUrl_Invalid_Returns400AndChangesNothing(string body, string problem)
    {
        var code = await _product.Owner.CreateLinkAsync("https://example.com/kept");
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");

        (await _product.Owner.PatchAsync($"/api/v1/urls/{code}", content)).ShouldBeProblem(400, problem);

        Assert.Equal("https://example.com/kept", (await _product.Anonymous.GetAsync($"/{code}")).Header("Location"));
    }

    [Fact]
    [Trait("Case", "F-09")]
    [Trait("Case", "F-10")]
    public async Task F09F10_Change_AnotherUsersLink_Returns403AndChangesNothing()
    {
        var code = await _product.Owner.CreateLinkAsync("https://example.com/mine");
        var other = await _product.CreateUserAsync(NewEmail());

        (await other.PatchAsync($"/api/v1/urls/{code}", new { original_url = "https://example.com/theirs" })).ShouldBeProblem(403, "FORBIDDEN");
        (await other.DeleteAsync($"/api/v1/urls/{code}")).ShouldBeProblem(403, "FORBIDDEN");
        (await other.GetAsync($"/api/v1/urls/{code}")).ShouldBeProblem(403, "FORBIDDEN");
        (await other.GetAsync($"/api/v1/urls/{code}/stats")).ShouldBeProblem(403, "FORBIDDEN");

        Assert.Equal("https://example.com/mine", (await _product.Anonymous.GetAsync($"/{code}")).Header("Location"));
        Assert.Equal(0, (await other.GetAsync("/api/v1/urls")).Json.GetProperty("urls").GetArrayLength());
    }

    [Theory]
    [InlineData("nosuch7")]
    [InlineData("x")]
    [InlineData("waytoolongtobeacode")]
    [InlineData("%20%20%20%20")]
    [Trait("Case", "F-09")]
    [Trait("Case", "F-10")]
    public async Task F09F10_Change_UnknownCode_Returns404(string code)
    {
        (await _product.Owner.PatchAsync($"/api/v1/urls/{code}", new { is_active = false })).ShouldBeProblem(404, "URL_NOT_FOUND");
        (await _product.Owner.DeleteAsync($"/api/v1/urls/{code}")).ShouldBeProblem(404, "URL_NOT_FOUND");
        (await _product.Owner.GetAsync($"/api/v1/urls/{code}")).ShouldBeProblem(404, "URL_NOT_FOUND");
        (await _product.Owner.GetAsync($"/api/v1/urls/{code}/stats")).ShouldBeProblem(404, "URL_NOT_FOUND");
        (await _product.Owner.GetAsync($"/{code}")).ShouldBeProblem(404, "URL_NOT_FOUND");
    }

    [Fact]
    [Trait("Case", "F-10")]
    public async Task F10_DeleteUrl_Owner_Returns204AndTheLinkIsGoneAtOnce()
    {
        var alias = NewAlias();
        Assert.Equal(201, (await _product.Owner.CreateAsync(new { original_url = "https://example.com/", custom_alias = alias })).Status);
        Assert.Equal(302, (await _product.Anonymous.GetAsync($"/{alias}")).Status);

        var reply = await _product.Owner.DeleteAsync($"/api/v1/urls/{alias}");

        Assert.Equal(204, reply.Status);
        Assert.Empty(reply.Body);
        (await _product.Anonymous.GetAsync($"/{alias}")).ShouldBeProblem(404, "URL_NOT_FOUND");
        (await _product.Owner.GetAsync($"/api/v1/urls/{alias}")).ShouldBeProblem(404, "URL_NOT_FOUND");
        (await _product.Owner.DeleteAsync($"/api/v1/urls/{alias}")).ShouldBeProblem(404, "URL_NOT_FOUND");
        (await _product.Owner.CreateAsync(new { original_url = "https://example.com/again", custom_alias = alias })).ShouldBeProblem(409, "ALIAS_EXISTS");
    }
}
