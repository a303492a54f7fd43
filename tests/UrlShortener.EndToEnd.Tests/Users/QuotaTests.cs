using System.Globalization;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Users;

public sealed class QuotaTests : ProductTest, IClassFixture<ProductFixture>
{
    private const string Urls = "/api/v1/urls";

    // Of a link, beside its texts; and the most that a generated code has.
    private const int Record = 256;
    private const int Code = 10;

    private readonly ProductProcess _product;
    private readonly Dictionary<ApiClient, string> _emails = [];

    public QuotaTests(ProductFixture fixture) => _product = Share(fixture.Product);

    [Fact]
    public async Task Create_OverQuota_Returns403UntilALinkIsDeleted()
    {
        var user = await CreateUserAsync(2 * Size(1_000));
        var (first, second) = (await user.CreateLinkAsync(Target(1_000)), await user.CreateLinkAsync(Target(1_000)));

        var refused = await user.CreateAsync(new { original_url = Target(100), custom_alias = NewAlias() });

        var error = refused.ShouldBeProblem(403, "QUOTA_EXCEEDED").GetProperty("error").GetString()!;
        Assert.Contains((2 * Size(1_000)).ToString("N0", CultureInfo.InvariantCulture), error, StringComparison.Ordinal);
        Assert.Contains("Delete links", error, StringComparison.Ordinal);
        Assert.Equal(2, await CountLinksAsync(user));
        // At once, and no more than was freed.
        Assert.Equal(204, (await user.DeleteAsync($"{Urls}/{first}")).Status);
        Assert.Equal(201, (await user.CreateAsync(new { original_url = Target(1_000) })).Status);
        (await user.CreateAsync(new { original_url = Target(100) })).ShouldBeProblem(403, "QUOTA_EXCEEDED");
        // Nothing else is refused, and nobody else.
        Assert.Equal(200, (await user.GetAsync($"{Urls}/{second}")).Status);
        Assert.Equal(302, (await user.GetAsync($"/{second}")).Status);
        Assert.Equal(201, (await _product.Anonymous.CreateAsync(new { original_url = Target(100) })).Status);
    }

    [Fact]
    public async Task Update_OverQuota_IsRefusedOnlyWhereTheLinkGrows()
    {
        var user = await CreateUserAsync(Size(1_000));
        var code = await user.CreateLinkAsync(Target(1_000));
        var path = $"{Urls}/{code}";

        (await user.PatchAsync(path, new { original_url = Target(1_100) })).ShouldBeProblem(403, "QUOTA_EXCEEDED");
        (await user.PatchAsync(path, new { metadata = new { campaign = "spring" }, is_active = false })).ShouldBeProblem(403, "QUOTA_EXCEEDED");

        var link = (await user.GetAsync(path)).Json;
        Assert.Equal(Target(1_000), link.GetProperty("original_url").GetString());
        Assert.True(link.GetProperty("is_active").GetBoolean());
        Assert.Equal(200, (await user.PatchAsync(path, new { is_active = false })).Status);
        Assert.Equal(200, (await user.PatchAsync(path, new { original_url = Target(1_000).Replace('x', 'y') })).Status);
        // What one member gives, the other may take.
        Assert.Equal(200, (await user.PatchAsync(path, new { original_url = Target(900), metadata = new { campaign = "spring" } })).Status);
        // A quota that was made smaller than what is stored: changes that do not grow the link go on.
        await SetQuotaAsync(user, "0");
        Assert.Equal(200, (await user.PatchAsync(path, new { original_url = Target(900).Replace('x', 'z') })).Status);
        Assert.Equal(200, (await user.PatchAsync(path, new { original_url = Target(100) })).Status);
        (await user.PatchAsync($"{Urls}/{NewAlias()}", new { original_url = Target(1_000) })).ShouldBeProblem(404, "URL_NOT_FOUND");
        Assert.Equal(204, (await user.DeleteAsync(path)).Status);
    }

    [Fact]
    public async Task BulkCreate_PartlyOverQuota_RefusesTheLinksThatDoNotFit()
    {
        var user = await CreateUserAsync(2 * Size(1_000));
        var links = new object[]
        {
            new { original_url = Target(1_000) },
            new { original_url = "nonsense" },
            new { original_url = Target(1_001) },
            new { original_url = Target(999) },
        };

        var reply = await user.CreateManyAsync(links);

        Assert.True(reply.Status == 207, reply.ToString());
        var results = reply.Json.GetProperty("results").EnumerateArray().ToList();
        Assert.Equal([201, 400, 403, 201], results.Select(result => result.GetProperty("status_code").GetInt32()));
        Assert.Equal("QUOTA_EXCEEDED", results[2].GetProperty("code").GetString());
        Assert.Contains("Delete links", results[2].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(2, await CountLinksAsync(user));

        var none = await user.CreateManyAsync([new { original_url = Target(100) }, new { original_url = Target(200) }]);
        Assert.True(none.Status == 207, none.ToString());
        Assert.Equal(0, none.Json.GetProperty("created").GetInt32());
        Assert.All(none.Json.GetProperty("results").EnumerateArray(), result => Assert.Equal(403, result.GetProperty("status_code").GetInt32()));
        Assert.Equal(2, await CountLinksAsync(user));
    }

    [Fact]
    public async Task Create_RetryOfWhatFilledTheQuota_GetsTheFirstAnswer()
    {
        var user = await CreateUserAsync(Size(1_000));
        var (key, bulkKey) = (("Idempotency-Key", "one"), ("Idempotency-Key", "many"));
        var body = new { original_url = Target(1_000) };
        var first = await user.CreateAsync(body, key);
        Assert.Equal(201, first.Status);

        var retry = await user.CreateAsync(body, key);

        Assert.Equal(201, retry.Status);
        Assert.Equal(first.Body, retry.Body);
        Assert.Equal("true", retry.Header("Idempotency-Replayed"));
        (await user.CreateAsync(new { original_url = Target(1) }, key)).ShouldBeProblem(422, "IDEMPOTENCY_KEY_REUSED");
        // The answer counts as well: no room is left once the link is gone.
        Assert.Equal(204, (await user.DeleteAsync($"{Urls}/{first.Json.GetProperty("short_code").GetString()}")).Status);
        (await user.CreateAsync(body, bulkKey)).ShouldBeProblem(403, "QUOTA_EXCEEDED");
        // A refusal is not stored: the same request may come again.
        await SetQuotaAsync(user, "tier");
        Assert.Equal(201, (await user.CreateAsync(body, bulkKey)).Status);
    }

    [Fact]
    public async Task Create_ManyAtOnce_StaysWithinTheQuota()
    {
        var user = await CreateUserAsync(5 * Size(500));

        var replies = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => user.CreateAsync(new { original_url = Target(500) })));

        Assert.All(replies.Where(reply => reply.Status != 201), reply => reply.ShouldBeProblem(403, "QUOTA_EXCEEDED"));
        Assert.InRange(await CountLinksAsync(user), 1, 5);
        // Requests under way count in full, so that some may have been refused that would fit in the end. One after the other they do.
        Reply next;
        do next = await user.CreateAsync(new { original_url = Target(500) });
        while (next.Status == 201);
        next.ShouldBeProblem(403, "QUOTA_EXCEEDED");
        Assert.Equal(5, await CountLinksAsync(user));
    }

    [Fact]
    public async Task Quota_OfTheTier_AppliesUnlessTheUserHasTheirOwn()
    {
        var product = await StartAsync("--Quotas:FreeBytes=0", $"--Quotas:ProBytes={Size(100)}");
        var free = await product.CreateUserAsync(NewEmail());
        var email = NewEmail();
        var pro = await product.CreateUserByCommandAsync(email, "--tier", "pro");
        var own = await product.CreateUserAsync(NewEmail(), quota: 1000000000000000);

        (await free.CreateAsync(new { original_url = Target(100) })).ShouldBeProblem(403, "QUOTA_EXCEEDED");
        Assert.Equal(201, (await pro.CreateAsync(new { original_url = Target(100) })).Status);
        (await pro.CreateAsync(new { original_url = Target(100) })).ShouldBeProblem(403, "QUOTA_EXCEEDED");
        Assert.Equal(201, (await own.CreateAsync(new { original_url = Target(100) })).Status);

        // Granted while it serves, and shown.
        var result = await product.RunCommandAsync("users", "set-quota", "--email", email.ToUpperInvariant(), "--quota", "123456");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("123456 bytes", result.Output, StringComparison.Ordinal);
        Assert.Equal(201, (await pro.CreateAsync(new { original_url = Target(100) })).Status);
        var line = (await product.RunCommandAsync("users", "list")).Output.Split('\n').Single(line => line.Contains(email, StringComparison.Ordinal));
        // Codes that were generated have 7 characters.
        Assert.Matches($" active +{2 * (Size(100) - 3)} +123456 ", line);
    }

    private static int Size(int target) => Record + Code + target + "{}".Length;

    private static string Target(int length) => "https://example.com/".PadRight(Math.Max(length, 21), 'x');

    private static async Task<int> CountLinksAsync(ApiClient user) => (await user.GetAsync($"{Urls}?limit=100")).Json.GetProperty("urls").GetArrayLength();

    private async Task<ApiClient> CreateUserAsync(int quota)
    {
        var email = NewEmail();
        var user = await _product.CreateUserAsync(email, quota: quota);
        _emails[user] = email;
        return user;
    }

    private async Task SetQuotaAsync(ApiClient user, string quota)
    {
        var result = await _product.RunCommandAsync("users", "set-quota", "--email", _emails[user], "--quota", quota);
        Assert.True(result.ExitCode == 0, result.ToString());
    }
}
