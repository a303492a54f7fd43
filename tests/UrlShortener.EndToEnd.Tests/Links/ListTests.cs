using System.Globalization;
using System.Text.Json;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Links;

public sealed class ListTests : ProductTest, IClassFixture<ProductFixture>
{
    private const string Urls = "/api/v1/urls";

    private readonly ProductProcess _product;

    public ListTests(ProductFixture fixture) => _product = Share(fixture.Product);

    [Fact]
    public async Task List_ByEnd_PagesInOrderWithEndlessLinksLast()
    {
        var user = await _product.CreateUserAsync(NewEmail());
        var codes = new List<string>();
        foreach (var days in (int?[])[3, null, 1, 2])
            codes.Add(CodeOf((await user.CreateAsync(new { original_url = "https://example.com/", expires_in_days = days })).Json));

        Assert.Equal([codes[2], codes[3], codes[0], codes[1]], await ReadPagesAsync(user, "sort=expires_at&order=asc"));
        Assert.Equal([codes[1], codes[0], codes[3], codes[2]], await ReadPagesAsync(user, "sort=expires_at"));
        Assert.Equal(codes, await ReadPagesAsync(user, "order=asc"));
        var cursor = (await user.GetAsync($"{Urls}?limit=2&sort=expires_at")).Json.GetProperty("next_cursor").GetString();
        foreach (var other in (string[])["", "&order=asc", "&sort=expires_at&order=asc"])
            AssertField("cursor", await user.GetAsync($"{Urls}?cursor={cursor}{other}"));
    }

    [Fact]
    public async Task List_StatusAndRanges_NarrowTheList()
    {
        var user = await _product.CreateUserAsync(NewEmail());
        var end = TimeProvider.System.GetUtcNow().AddDays(2);
        var active = await user.CreateAsync(new { original_url = "https://example.com/", expires_at = end });
        var expired = CodeOf((await user.CreateAsync(new { original_url = "https://example.com/", expires_in_days = 1 })).Json);
        await _product.Stores.ExpireLinkAsync(expired);
        var inactive = CodeOf((await user.CreateAsync(new { original_url = "https://example.com/" })).Json);
        await user.PatchAsync($"{Urls}/{inactive}", new { is_active = false });

        foreach (var (status, code) in ((string, string)[])[("active", CodeOf(active.Json)), ("expired", expired), ("inactive", inactive)])
        {
            var link = Assert.Single((await user.GetAsync($"{Urls}?status={status}")).Json.GetProperty("urls").EnumerateArray());
            Assert.Equal((code, status), (CodeOf(link), link.GetProperty("status").GetString()));
            Assert.Equal(status, (await user.GetAsync($"{Urls}/{code}")).Json.GetProperty("status").GetString());
        }

        Assert.Equal(end.ToUnixTimeMilliseconds(), active.Json.GetProperty("expires_at").GetDateTimeOffset().ToUnixTimeMilliseconds());
        Assert.Equal([CodeOf(active.Json)], await ReadPagesAsync(user, $"expires_after={Text(end.AddHours(-1))}&expires_before={Text(end.AddHours(1))}"));
        Assert.Equal(3, (await ReadPagesAsync(user, $"created_after={Text(end.AddDays(-3))}&created_before={Text(end)}")).Count);
        Assert.Empty(await ReadPagesAsync(user, $"created_before={Text(end.AddDays(-3))}"));
    }

    [Theory]
    [InlineData("status", "status=gone")]
    [InlineData("sort", "sort=clicks")]
    [InlineData("order", "order=down")]
    [InlineData("created_after", "created_after=yesterday")]
    [InlineData("created_after", "created_after=2030-01-01T00:00:00%2B0530")]
    [InlineData("expires_before", "expires_before=2030-01-01")]
    [InlineData("expires_after", "expires_after=2030-01-02T00:00:00Z&expires_before=2030-01-01T00:00:00Z")]
    public async Task List_BadParameter_IsNamed(string field, string query) => AssertField(field, await _product.Owner.GetAsync($"{Urls}?{query}"));

    private static async Task<IReadOnlyList<string>> ReadPagesAsync(ApiClient user, string query)
    {
        var codes = new List<string>();
        string? cursor = null;
        do
        {
            var page = await user.GetAsync($"{Urls}?limit=2&{query}{(cursor is null ? "" : $"&cursor={cursor}")}");
            Assert.True(page.Status == 200, page.ToString());
            codes.AddRange(page.Json.GetProperty("urls").EnumerateArray().Select(CodeOf));
            cursor = page.Json.GetProperty("next_cursor").GetString();
        } while (cursor is not null);
        return codes;
    }

    private static void AssertField(string field, Reply reply) =>
        Assert.Equal(
            field,
            Assert.Single(reply.ShouldBeProblem(400, "INVALID_REQUEST").GetProperty("errors").EnumerateArray()).GetProperty("field").GetString()
        );

    private static string CodeOf(JsonElement link) => link.GetProperty("short_code").GetString()!;

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
