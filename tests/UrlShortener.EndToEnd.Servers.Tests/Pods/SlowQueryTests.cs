using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

public sealed class SlowQueryTests : ProductTest
{
    private const int Links = 40;

    // On one server, where lookups and questions about statistics could stand in each other's way most.
    private static readonly string[] Settings = ["--RateLimiting:Enterprise=1000000", "--Postgres:ReadFromReplicas=false", "--Postgres:QueryTimeout=00:00:02"];

    [Fact]
    public async Task ListsOfOneUser_ThatNeverEnd_LeaveThoseOfOthersAlone()
    {
        var stores = await NewStoresAsync();
        await MakeSearchesHangAsync(stores);
        // Time for the questions of the modest user on a busy machine, too: the searches of the other one end with it as well.
        var product = Own(ProductProcess.Launch(stores, [.. Settings, "--Postgres:QueryTimeout=00:00:05"]));
        await product.WaitUntilReadyAsync();
        var (greedy, modest) = (await NewUserAsync(product), await NewUserAsync(product));
        var codes = new[] { await greedy.CreateLinkAsync(), await modest.CreateLinkAsync() };
        using var enough = new CancellationTokenSource();
        var loops = Enumerable
            .Range(0, 12)
            .Select(async _ =>
            {
                while (!enough.IsCancellationRequested)
                    (await greedy.GetAsync("/api/v1/urls?target=example")).ShouldBeProblem(503, "UNAVAILABLE");
            })
            .ToList();
        // Their searches have all the turns that they can have, and more of them wait.
        await Eventually.ReadAsync(
            () => product.ReadMetricAsync("shortener_postgres_connections_in_use", "target=\"primary\""),
            inUse => inUse >= 2,
            "searches are under way"
        );

        for (var i = 0; i < 8; i++)
        {
            foreach (var path in (string[])["/api/v1/urls", $"/api/v1/urls/{codes[1]}/stats"])
            {
                var reply = await modest.GetAsync(path);
                Assert.True(reply.Status == 200, reply.ToString());
            }
        }

        await enough.CancelAsync();
        await Task.WhenAll(loops);
    }

    [Fact]
    public async Task StatisticsAndSearches_ThatNeverEnd_LeaveRedirectsAndCreatesAlone()
    {
        var stores = await NewStoresAsync();
        await MakeSearchesHangAsync(stores);
        var product = Own(ProductProcess.Launch(stores, [.. Settings]));
        await product.WaitUntilReadyAsync();
        var owner = await NewUserAsync(product);
        var created = await owner.CreateManyAsync(Enumerable.Range(0, Links).Select(i => (object)new { original_url = $"https://example.com/{i}" }));
        var codes = created.Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("short_code").GetString()!).ToList();
        var popular = await owner.CreateLinkAsync();
        // The first one takes its time on a busy machine.
        await Eventually.ReadAsync(() => owner.GetAsync($"/api/v1/urls/{popular}/stats"), reply => reply.Status == 200, "statistics are there");

        // Held by a job that hangs: what reads statistics waits until its time is up.
        await using (await stores.LockReadsAsync("click_days"))
        {
            var isEnough = false;
            var loops = Enumerable
                .Range(0, 8)
                .Select(async number =>
                {
                    var replies = new List<Reply>();
                    while (!Volatile.Read(ref isEnough))
                        replies.Add(await owner.GetAsync(number % 2 == 0 ? $"/api/v1/urls/{popular}/stats?granularity=week" : "/api/v1/urls?target=example"));
                    return replies;
                })
                .ToList();

            foreach (var code in codes)
            {
                var reply = await product.Anonymous.GetAsync($"/{code}", ("User-Agent", UserAgents.Bot));
                Assert.True(reply.Status == 302, reply.ToString());
            }

            // The link's own data do not depend on its statistics.
            var about = await owner.GetAsync($"/api/v1/urls/{popular}");
            Assert.True(about.Status == 200, about.ToString());
            Assert.Equal(System.Text.Json.JsonValueKind.Null, about.Json.GetProperty("analytics").ValueKind);
            Assert.Equal(201, (await owner.CreateAsync(new { original_url = "https://example.com/more" })).Status);
            Volatile.Write(ref isEnough, true);
            var answered = (await Task.WhenAll(loops)).SelectMany(replies => replies).ToList();
            Assert.All(answered, reply => reply.ShouldBeProblem(503, "UNAVAILABLE"));
            Assert.Contains(answered, reply => reply.Text.Contains("Narrow the range", StringComparison.Ordinal));
            Assert.Contains(answered, reply => reply.Text.Contains("The list is not available", StringComparison.Ordinal));
            Assert.Equal(0, await product.ReadMetricAsync("shortener_circuit_breaker_opened_total"));
        }

        await Eventually.ReadAsync(() => owner.GetAsync($"/api/v1/urls/{popular}/stats"), reply => reply.Status == 200, "statistics are there again");
        await Eventually.ReadAsync(() => owner.GetAsync("/api/v1/urls"), reply => reply.Status == 200, "lists are there again");
    }

    // Stands before the server's own function of this name: a search for a target takes a minute for each link.
    private static Task MakeSearchesHangAsync(ProductStores stores) =>
        stores.ExecuteAsync(
            $"""
            CREATE FUNCTION public.strpos(text, text) RETURNS integer LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN 0; END';
            ALTER DATABASE {stores.Database} SET search_path = public, pg_catalog
            """
        );

    private static Task<ApiClient> NewUserAsync(ProductProcess product) =>
        product.CreateUserByCommandAsync(NewEmail(), "--tier", "enterprise", "--rate-limit", "1000000");
}
