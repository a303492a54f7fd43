using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Users;

public sealed class AdministrationTests : ProductTest, IClassFixture<ProductFixture>
{
    private readonly ProductProcess _product;

    public AdministrationTests(ProductFixture fixture) => _product = Share(fixture.Product);

    [Fact]
    public async Task UsersCreate_WhileServing_KeyWorksAtOnce()
    {
        var email = NewEmail();

        var result = await _product.RunCommandAsync("users", "create", "--email", email, "--tier", "pro");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains($"Created user {email}, tier pro, 1000 requests per minute.", result.Output, StringComparison.Ordinal);
        var reply = await new ApiClient(_product.Http, ProductProcess.ReadKey(result)).GetAsync("/api/v1/urls");
        Assert.Equal(200, reply.Status);
        Assert.Equal("\"pro\";q=1000;w=60", reply.Header("RateLimit-Policy"));
    }

    [Fact]
    public async Task UsersList_WhileServing_ShowsUsersAndNoKey()
    {
        var email = NewEmail();
        var user = await _product.CreateUserByCommandAsync(email, "--rate-limit", "42");
        await user.CreateLinkAsync();

        var result = await _product.RunCommandAsync("users", "list");

        Assert.True(result.ExitCode == 0, result.ToString());
        var line = Assert.Single(result.Output.Split('\n'), line => line.Contains(email, StringComparison.Ordinal));
        Assert.Matches(@" free +42 +1 +active ", line);
        Assert.Contains("owner@localhost", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("usk_", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UsersRotateKey_WhileServing_NewKeyWorksAndOldOneEnds()
    {
        var email = NewEmail();
        var old = await _product.CreateUserByCommandAsync(email);
        var code = await old.CreateLinkAsync();

        var result = await _product.RunCommandAsync("users", "rotate-key", "--email", email);

        Assert.True(result.ExitCode == 0, result.ToString());
        var renewed = new ApiClient(_product.Http, ProductProcess.ReadKey(result));
        Assert.Equal(200, (await renewed.GetAsync($"/api/v1/urls/{code}")).Status);
        await Eventually.ReadAsync(() => old.GetAsync("/api/v1/urls"), reply => reply.Status == 401, "the old key ends");
    }

    [Fact]
    public async Task UsersRevokeKey_WhileServing_KeyEndsAndLinksStay()
    {
        var email = NewEmail();
        var user = await _product.CreateUserByCommandAsync(email);
        var code = await user.CreateLinkAsync();

        var result = await _product.RunCommandAsync("users", "revoke-key", "--email", email);

        Assert.True(result.ExitCode == 0, result.ToString());
        await Eventually.ReadAsync(() => user.GetAsync("/api/v1/urls"), reply => reply.Status == 401, "the key ends");
        Assert.Equal(302, (await _product.Anonymous.GetAsync($"/{code}")).Status);
        Assert.Contains("revoked", (await _product.RunCommandAsync("users", "list")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UsersDelete_NotConfirmed_TellsAndDeletesNothing()
    {
        var email = NewEmail();
        var user = await _product.CreateUserByCommandAsync(email);
        var code = await user.CreateLinkAsync();

        var result = await _product.RunCommandAsync("users", "delete", "--email", email);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("--yes", result.Error, StringComparison.Ordinal);
        Assert.Contains("1 links", result.Error, StringComparison.Ordinal);
        Assert.Equal(200, (await user.GetAsync($"/api/v1/urls/{code}")).Status);
        var unknown = await _product.RunCommandAsync("users", "delete", "--email", NewEmail(), "--yes");
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("There is no user", unknown.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UsersDelete_WhileServing_TakesUserLinksAndClicksAndKeepsCodesClaimed()
    {
        var email = NewEmail();
        var user = await _product.CreateUserByCommandAsync(email, "--rate-limit", "1000000");
        var (code, kept) = (await user.CreateLinkAsync(), await _product.Owner.CreateLinkAsync());
        foreach (var link in new[] { code, kept })
            Assert.Equal(302, (await _product.Anonymous.GetAsync($"/{link}", ("User-Agent", UserAgents.Desktop))).Status);
        await user.WaitForClicksAsync(code, 1);
        await _product.Owner.WaitForClicksAsync(kept, 1);
        Assert.Equal(201, (await user.CreateAsync(new { original_url = "https://example.com/once" }, ("X-Idempotency-Key", "once"))).Status);

        var result = await _product.RunCommandAsync("users", "delete", "--email", email.ToUpperInvariant(), "--yes");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("2 links and 1 idempotency keys", result.Output, StringComparison.Ordinal);
        Assert.Equal(0, await _product.Stores.CountClickRecordsAsync(code));
        // The serving process is told, long before what it holds in memory would end.
        await Eventually.ReadAsync(() => _product.Anonymous.GetAsync($"/{code}"), reply => reply.Status == 404, "the link ends");
        await Eventually.ReadAsync(() => user.GetAsync("/api/v1/urls"), reply => reply.Status == 401, "the key ends");
        Assert.DoesNotContain(email, (await _product.RunCommandAsync("users", "list")).Output, StringComparison.Ordinal);
        (await _product.Owner.CreateAsync(new { original_url = "https://example.com/", custom_alias = code })).ShouldBeProblem(409, "ALIAS_EXISTS");
        Assert.Equal(302, (await _product.Anonymous.GetAsync($"/{kept}")).Status);
        Assert.Equal(1, (await _product.RunCommandAsync("users", "delete", "--email", email, "--yes")).ExitCode);
    }

    [Fact]
    public async Task UsersCreate_EmailTaken_FailsWhateverItsCase()
    {
        var email = NewEmail();
        await _product.CreateUserByCommandAsync(email);

        ProductRuns.AssertIsRefused(await _product.RunCommandAsync("users", "create", "--email", email.ToUpperInvariant()), email.ToUpperInvariant());
    }

    [Theory]
    [InlineData("set-quota", "--email", "nobody@example.com", "--quota", "1")]
    [InlineData("rotate-key", "--email", "nobody@example.com")]
    [InlineData("revoke-key", "--email", "nobody@example.com")]
    public async Task Users_OfNobody_FailsAndSaysSo(params string[] arguments) =>
        ProductRuns.AssertIsRefused(await _product.RunCommandAsync(["users", .. arguments]), "nobody@example.com");

    [Fact]
    public async Task Migrate_WhileServingAndOnNewData_Succeeds()
    {
        var stores = await NewStoresAsync();

        var serving = await _product.RunCommandAsync("migrate");
        var fresh = await ProductProgram.RunAsync(stores.Folder, ["migrate", .. stores.Settings]);

        Assert.True(serving.ExitCode == 0, serving.ToString());
        Assert.True(fresh.ExitCode == 0, fresh.ToString());
        Assert.Equal("ok", await stores.CheckAsync());
        Assert.Equal(201, (await _product.Owner.CreateAsync(new { original_url = "https://example.com/" })).Status);
    }

    [Fact]
    public async Task Migrate_ThreeAtOnceOnNewData_AllSucceed()
    {
        var stores = await NewStoresAsync();

        var results = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => ProductProgram.RunAsync(stores.Folder, ["migrate", .. stores.Settings])));

        Assert.All(results, result => Assert.True(result.ExitCode == 0, result.ToString()));
        Assert.Equal("ok", await stores.CheckAsync());
    }
}
