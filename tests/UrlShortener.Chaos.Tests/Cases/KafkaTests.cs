using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using UrlShortener.Chaos.Tests.Product;
using UrlShortener.TestServers.Kafka;
using Xunit;

namespace UrlShortener.Chaos.Tests.Cases;

/// <summary>C-06: brokers that fail lose no click event, and no visitor waits for them.</summary>
public sealed class KafkaTests : ChaosTest
{
    private const string Topic = "visits";
    private const int Visitors = 4;

    [Fact]
    public async Task BrokerFrozenAndKilledAndTheAppToo_EveryCapturedEventArrives()
    {
        await using var kafka = await OrSkipAsync(() => KafkaCluster.StartAsync(new KafkaClusterOptions(), Token));
        var broker = kafka.Nodes[0];
        using var folder = new TestFolder();
        string[] settings = [$"--ConnectionStrings:Kafka={kafka.BootstrapServers}", $"--Clicks:Topic={Topic}", "--RateLimiting:Enabled=false"];
        var captured = new List<string>();
        double recovered;

        await using (var app = await StartAsync("app1", folder, settings))
        {
            await CreateLinkAsync(app);
            // The topic does not exist yet.
            captured.AddRange(await VisitAsync(app, "first", 400));
            await UntilAsync(app, "shortener_click_events_spooled", count => count == captured.Count, "all visits are in the spool");
            await kafka.CreateTopicAsync(Topic, 3, Token);
            await UntilAsync(app, "shortener_click_events_published_total", published => published > 0, "events arrive");

            await broker.FreezeAsync(Token);
            captured.AddRange(await VisitAsync(app, "frozen", 400));
            await broker.KillAsync(Token);
            captured.AddRange(await VisitAsync(app, "killed", 400));
            await UntilAsync(app, "shortener_click_events_captured_total", count => count == captured.Count, "all visits are captured");

            // In the middle of visits, of which some are on the disk: what waits in memory ends with the process. Nothing more is published.
            var published = await ReadAsync(app, "shortener_click_events_published_total");
            var visits = VisitAsync(app, "last", 100_000);
            await UntilAsync(app, "shortener_click_events_spooled", count => count > captured.Count - published + 100, "more visits are in the spool");
            await app.KillAsync();
            await visits;
        }

        await using (var app = await StartAsync("app2", folder, settings))
        {
            recovered = await ReadAsync(app, "shortener_click_events_recovered_total");
            captured.AddRange(await VisitAsync(app, "again", 400));
            await broker.StartAsync(Token);
            await UntilAsync(app, "shortener_click_events_captured_total", count => count == 400, "all visits are captured");
            await UntilAsync(app, "shortener_click_events_spooled", count => count == 0, "the spool is empty");
            Assert.Equal(recovered + 400, await ReadAsync(app, "shortener_click_events_published_total"));
            Assert.Equal(0, await ReadAsync(app, "shortener_click_events_dropped_total"));
            await app.StopAsync();
        }

        var arrived = kafka.ReadAll(Topic).Select(record => JsonDocument.Parse(record.Message.Value).RootElement).ToList();
        var visitsById = arrived.ToLookup(Text("id"), Text("user_agent"));
        var byVisit = arrived.ToLookup(Text("user_agent"), Text("id"));
        Write(
            $"{arrived.Count} events of {byVisit.Count} visits arrived; {recovered} were in the spool of the killed process, {arrived.Count - byVisit.Count} came twice"
        );
        Assert.Empty(captured.Where(visit => !byVisit.Contains(visit)).Take(5));
        Assert.All(byVisit, ids => Assert.Single(ids.Distinct()));
        Assert.All(visitsById, visits => Assert.Single(visits.Distinct()));
        Assert.True(byVisit.Count > captured.Count + 100, "what was captured before the kill is there, too");
    }

    private static Func<JsonElement, string> Text(string name) => json => json.GetProperty(name).GetString()!;

    private static async Task<RunningProduct> StartAsync(string name, TestFolder folder, IEnumerable<string> settings)
    {
        var app = new RunningProduct(name, folder.FullName, settings);
        try
        {
            await app.WaitUntilReadyAsync(TimeSpan.FromMinutes(2));
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    private static async Task CreateLinkAsync(RunningProduct app)
    {
        var reply = await app.Anonymous.PostAsync("/api/v1/urls", new { original_url = "https://example.com/", custom_alias = "visited" });
        Assert.Equal(201, reply.Status);
    }

    /// <summary>Follows the link a number of times, each visit with a name of its own, until the process is killed.</summary>
    /// <returns>Visits that were answered, each by a redirect.</returns>
    private static async Task<IReadOnlyCollection<string>> VisitAsync(RunningProduct app, string series, int count)
    {
        var answered = new ConcurrentQueue<string>();
        var next = 0;
        await Task.WhenAll(Enumerable.Range(0, Visitors).Select(_ => Task.Run(RepeatAsync, Token)));
        return answered;

        async Task RepeatAsync()
        {
            while (Interlocked.Increment(ref next) is var number && number <= count)
            {
                var visit = string.Create(CultureInfo.InvariantCulture, $"Visit/{series}-{number}");
                using var request = new HttpRequestMessage(HttpMethod.Get, "/visited") { Headers = { { "User-Agent", visit } } };
                try
                {
                    using var response = await app.Http.SendAsync(request, Token);
                    Assert.Equal(302, (int)response.StatusCode);
                    answered.Enqueue(visit);
                }
                catch (HttpRequestException) when (!app.IsRunning)
                {
                    return;
                }
            }
        }
    }

    private static Task<double> UntilAsync(RunningProduct app, string metric, Func<double, bool> isWanted, string what) =>
        Eventually.ReadAsync(() => ReadAsync(app, metric), isWanted, what);

    private static async Task<double> ReadAsync(RunningProduct app, string metric)
    {
        var page = await app.Anonymous.GetAsync("/metrics");
        return page
            .Text.Split('\n')
            .Where(line => line.StartsWith(metric + "{", StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }
}
