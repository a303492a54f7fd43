using System.Collections.Concurrent;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Durability;

public sealed class DurabilityTests : ProductTest
{
    [Fact]
    public async Task Create_KilledAmongThousand_EveryAcknowledgedLinkIsThere()
    {
        var product = await StartAsync("--RateLimiting:Enabled=false");
        var owner = product.Owner;
        var acknowledged = new ConcurrentDictionary<string, string>();
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var creates = Enumerable
            .Range(0, 1_000)
            .Select(async number =>
            {
                var target = $"https://example.com/{number}";
                try
                {
                    var reply = await owner.CreateAsync(new { original_url = target });
                    Assert.True(reply.Status == 201, reply.ToString());
                    acknowledged[reply.Json.GetProperty("short_code").GetString()!] = target;
                }
                catch (HttpRequestException)
                {
                    // Killed before it answered: nothing was promised.
                    return;
                }

                if (acknowledged.Count >= 300)
                    enough.TrySetResult();
            })
            .ToList();

        await enough.Task.WaitAsync(TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken);
        await product.KillAsync();
        await Task.WhenAll(creates);
        await product.StartAgainAsync();

        foreach (var (code, target) in acknowledged)
        {
            var reply = await product.Anonymous.GetAsync($"/{code}");
            Assert.True(reply.Status == 302 && reply.Header("Location") == target, $"{code} was acknowledged for {target}, and answers {reply}");
        }

        await AssertIsSoundAsync(product);
    }

    [Fact]
    public async Task Change_KilledAfterTheAnswer_IsThere()
    {
        var product = await StartAsync();
        var changed = await product.Owner.CreateLinkAsync("https://example.com/old");
        var deleted = await product.Owner.CreateLinkAsync();
        Assert.Equal(200, (await product.Owner.PatchAsync($"/api/v1/urls/{changed}", new { original_url = "https://example.com/new" })).Status);
        Assert.Equal(204, (await product.Owner.DeleteAsync($"/api/v1/urls/{deleted}")).Status);

        await product.KillAsync();
        await product.StartAgainAsync();

        Assert.Equal("https://example.com/new", (await product.Anonymous.GetAsync($"/{changed}")).Header("Location"));
        Assert.Equal(404, (await product.Anonymous.GetAsync($"/{deleted}")).Status);
        (await product.Owner.CreateAsync(new { original_url = "https://example.com/", custom_alias = deleted })).ShouldBeProblem(409, "ALIAS_EXISTS");
        await AssertIsSoundAsync(product);
    }

    [Fact]
    public async Task Clicks_StoppedRightAfterThem_AreAllCounted()
    {
        const int clicks = 2_000;
        var product = await StartAsync();
        var code = await product.Owner.CreateLinkAsync();

        await FollowAsync(product, code, clicks);
        await product.StopAsync();
        await product.StartAgainAsync();

        Assert.Equal(clicks, (await product.Owner.WaitForClicksAsync(code, clicks)).GetProperty("total_clicks").GetInt64());
        Assert.Equal(clicks, (await product.Owner.GetAsync($"/api/v1/urls/{code}")).Json.GetProperty("click_count").GetInt64());
    }

    [Fact]
    public async Task Clicks_KilledOnceTheyAreCounted_StayCounted()
    {
        const int clicks = 500;
        var product = await StartAsync();
        var code = await product.Owner.CreateLinkAsync();
        await FollowAsync(product, code, clicks);
        // No stop helped them: by themselves they are written within half a second.
        await product.Owner.WaitForClicksAsync(code, clicks);

        await product.KillAsync();
        await product.StartAgainAsync();

        Assert.Equal(clicks, (await product.Owner.WaitForClicksAsync(code, clicks)).GetProperty("total_clicks").GetInt64());
        Assert.Equal(clicks, (await product.Owner.GetAsync($"/api/v1/urls/{code}")).Json.GetProperty("click_count").GetInt64());
        await AssertIsSoundAsync(product);
    }

    private static async Task FollowAsync(ProductProcess product, string code, int clicks)
    {
        foreach (var round in Enumerable.Range(0, clicks).Chunk(50))
        {
            var replies = await Task.WhenAll(round.Select(_ => product.Anonymous.GetAsync($"/{code}", ("User-Agent", UserAgents.Desktop))));
            Assert.All(replies, reply => Assert.Equal(302, reply.Status));
        }
    }

    private static async Task AssertIsSoundAsync(ProductProcess product)
    {
        // The check writes within a time limit, which a disk that is busy with other tests may exceed.
        await Eventually.HoldsAsync(async () => (await product.Anonymous.GetAsync("/health")).Status == 200, "the store is healthy");
        await product.Owner.CreateLinkAsync();
        await product.StopAsync();
        Assert.Equal("ok", await product.Stores.CheckAsync());
    }
}
