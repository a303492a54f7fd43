using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Abuse;

public sealed class BlocklistTests : ProductTest
{
    [Fact]
    public async Task Blocklist_ListedHost_IsRefusedAndStopsWhatIsThere()
    {
        var path = NewFolder().PathOf("blocklist.txt");
        await File.WriteAllTextAsync(path, "evil.example.com\n8.8.4.4\n", TestContext.Current.CancellationToken);
        var product = await StartAsync($"--Abuse:BlocklistPath={path}", "--RateLimiting:Enabled=false");

        foreach (
            var url in new[]
            {
                "https://evil.example.com/",
                "http://EVIL.example.com:8080/path",
                "https://below.evil.example.com./",
                "http://[64:ff9b::8.8.4.4]/",
                "http://[2002:808:404::1]/",
            }
        )
            (await product.Owner.CreateAsync(new { original_url = url })).ShouldBeProblem(400, "URL_BLOCKED");
        var code = await product.Owner.CreateLinkAsync("https://later.example.com/");
        var first = await product.Owner.CreateAsync(new { original_url = "https://later.example.com/retried" }, ("X-Idempotency-Key", "retried"));
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);
        var bulk = await product.Owner.CreateManyAsync([new { original_url = "https://evil.example.com/" }, new { original_url = "https://example.com/" }]);
        Assert.Equal(207, bulk.Status);
        Assert.Equal("URL_BLOCKED", bulk.Json.GetProperty("results")[0].GetProperty("code").GetString());
        (await product.Owner.PatchAsync($"/api/v1/urls/{code}", new { original_url = "https://evil.example.com/" })).ShouldBeProblem(400, "URL_BLOCKED");

        await File.WriteAllTextAsync(path, "evil.example.com\nlater.example.com\n", TestContext.Current.CancellationToken);
        var blocked = await Eventually.ReadAsync(() => product.Anonymous.GetAsync($"/{code}"), reply => reply.Status != 302, "the new list is in force");

        blocked.ShouldBeProblem(451, "URL_BLOCKED");
        // A retry gets what the first try got, whatever the rules are now.
        var retry = await product.Owner.CreateAsync(new { original_url = "https://later.example.com/retried" }, ("X-Idempotency-Key", "retried"));
        Assert.Equal((201, first.Text), (retry.Status, retry.Text));
        Assert.Null(blocked.Header("Location"));
        var page = await product.Anonymous.GetAsync($"/{code}", ("Accept", "text/html"));
        Assert.Equal(451, page.Status);
        Assert.Contains("Link blocked", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("later.example.com", page.Text, StringComparison.Ordinal);

        await File.WriteAllTextAsync(path, "", TestContext.Current.CancellationToken);
        await Eventually.ReadAsync(() => product.Anonymous.GetAsync($"/{code}"), reply => reply.Status == 302, "the link is free again");
    }
}
