using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

public sealed class ColdStartTests : ProductTest
{
    private const int Links = 256;
    private const int Lookups = 4;

    // Connections of other parts: what changed elsewhere, and what is written in batches.
    private const int Others = 12;

    [Fact]
    public async Task Redirect_BurstOfUnknownLinksAtAPodThatHasJustStarted_AllAreFollowed()
    {
        var first = await StartAsync("--RateLimiting:Enabled=false");
        var created = await first.Owner.CreateManyAsync(Enumerable.Range(0, Links).Select(i => (object)new { original_url = $"https://example.com/{i}" }));
        Assert.True(created.Status == 201, created.ToString());
        var codes = created.Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("short_code").GetString()).ToList();

        await first.StopAsync();

        var pod = Own(
            ProductProcess.Launch(
                first.Stores,
                ["--Role=app", "--Postgres:MigrateOnStart=false", "--Postgres:ReadFromReplicas=false", $"--Postgres:MaxLookups={Lookups}"]
            )
        );
        await pod.WaitUntilReadyAsync();
        var replies = await Task.WhenAll(codes.Select(code => pod.Anonymous.GetAsync($"/{code}")));

        Assert.All(replies, reply => Assert.True(reply.Status == 302, reply.ToString()));
        // They wait their turn: a connection for each would take the server longer to open than all lookups take. What was opened stays open for minutes.
        Assert.InRange(
            await first.Stores.ReadAsync("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'url-shortener'"),
            Lookups,
            Lookups + Others
        );
    }
}
