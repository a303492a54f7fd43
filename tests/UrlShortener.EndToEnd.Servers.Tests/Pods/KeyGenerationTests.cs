using System.Collections.Concurrent;
using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

public sealed class KeyGenerationTests : PodTest
{
    private const string Status = "/kgs/v1/status";
    private const string Epochs = "/kgs/v1/epochs";

    [Fact]
    public async Task Status_WithTheTokenAndWithout_IsGivenAndRefused()
    {
        var region = await GetCommonRegionAsync();

        var status = await region.AskKgsAsync(HttpMethod.Get, Status, token: KgsToken);

        Assert.True(status.Status == 200, status.ToString());
        Assert.Equal("local", status.Json.GetProperty("region").GetString());
        Assert.Equal(10_000, status.Json.GetProperty("target_level").GetInt32());
        (await region.AskKgsAsync(HttpMethod.Get, Status)).ShouldBeProblem(401, "UNAUTHORIZED");
        (await region.AskKgsAsync(HttpMethod.Get, Status, token: KgsToken + "1")).ShouldBeProblem(401, "UNAUTHORIZED");
        (await region.AskKgsAsync(HttpMethod.Post, Epochs, new { epoch = 100 })).ShouldBeProblem(401, "UNAUTHORIZED");
        // The service is in its own process alone, and links are not.
        Assert.Equal(404, (await region.A.Anonymous.GetAsync(Status, ("Authorization", $"Bearer {KgsToken}"))).Status);
        Assert.Equal(404, (await region.Kgs.Anonymous.GetAsync("/api/v1/urls")).Status);
    }

    [Fact]
    public async Task Epoch_Opened_NoPodIssuesACodeOfAnOlderOneAndAllGoOnCreating()
    {
        var region = await StartRegionAsync();
        var epoch = (await region.AskKgsAsync(HttpMethod.Get, Status, token: KgsToken)).Json.GetProperty("epoch").GetInt32();
        var pooled = await region.Stores.FindPooledCodesAsync(epoch);
        Assert.NotEmpty(pooled);
        // In the pods' memory, too.
        var unused = await region.Stores.FindUnusedCodesAsync();
        Assert.True(unused.IsSupersetOf(pooled));

        var isOpened = false;
        var isEnough = false;
        var later = new ConcurrentBag<string>();
        var creating = Enumerable
            .Range(0, 8)
            .Select(async number =>
            {
                var client = number % 2 == 0 ? region.OnA : region.OnB;
                while (!Volatile.Read(ref isEnough))
                {
                    var began = Volatile.Read(ref isOpened);
                    var code = await client.CreateLinkAsync();
                    if (began)
                        later.Add(code);
                }
            })
            .ToList();
        var opened = await region.AskKgsAsync(HttpMethod.Post, Epochs, new { epoch = epoch + 1 }, KgsToken);
        Volatile.Write(ref isOpened, true);
        Assert.True(opened.Status == 200, opened.ToString());
        await Eventually.ReadAsync(
            () => region.AskKgsAsync(HttpMethod.Get, Status, token: KgsToken),
            status => status.Json.GetProperty("pool_epoch").GetInt32() == epoch + 1 && status.Json.GetProperty("state").GetString() == "idle",
            "the pool of the new epoch is filled"
        );
        await Eventually.ReadAsync(() => Task.FromResult(later.Count), count => count > 2_500, "the pods create more than they had in memory");
        Volatile.Write(ref isEnough, true);
        await Task.WhenAll(creating);

        Assert.Empty(later.Intersect(unused));
        Assert.Equal(later.Count, later.Distinct().Count());
        Assert.Empty(await region.Stores.FindPooledCodesAsync(epoch));
        (await region.AskKgsAsync(HttpMethod.Post, Epochs, new { epoch }, KgsToken)).ShouldBeProblem(409, "EPOCH_CLOSED");
    }
}
