using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using UrlShortener.Chaos.Tests.Product;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Kafka;
using Xunit;

namespace UrlShortener.Chaos.Tests.Cases;

/// <summary>C-06: brokers that fail lose no click event, and no visitor waits for them.</summary>
public sealed class KafkaTests : ChaosTest
{
    private const string Topic = "visits";
    private const int Visitors = 4;

    [Fact]
    public async Task BrokersRefuseThePasswordAndAreKilledAndTheAppToo_EveryCapturedEventArrives()
    {
        await using var kafka = await OrSkipAsync(() => KafkaCluster.StartAsync(new KafkaClusterOptions { Nodes = 3, IsSecured = true }, Token));
        using var folder = new TestFolder();
        string[] settings =
        [
            $"--Clicks:Topic={Topic}",
            "--RateLimiting:Enabled=false",
            "--Kafka:Tls=true",
            $"--Kafka:CaPath={await WriteAsync(folder, "ca.crt", kafka.Keys.Authority)}",
            // What the Kafka client says.
            "--Logging:LogLevel:UrlShortener.Runtime.Storage.Kafka=Debug",
        ];
        string[] byPassword =
        [
            $"--ConnectionStrings:Kafka={kafka.PasswordServers}",
            "--Kafka:SaslMechanism=SCRAM-SHA-512",
            $"--Kafka:SaslUsername={KafkaCluster.User}",
            $"--Kafka:SaslPasswordPath={await WriteAsync(folder, "password", "former")}",
        ];
        string[] byCertificate =
        [
            $"--ConnectionStrings:Kafka={kafka.CertificateServers}",
            $"--Kafka:CertificatePath={await WriteAsync(folder, "user.crt", kafka.Keys.ClientCertificate)}",
            $"--Kafka:KeyPath={await WriteAsync(folder, "user.key", kafka.Keys.ClientKey)}",
        ];
        var captured = new List<string>();
        double recovered;

        await using (var app = await StartAsync("app1", folder, [.. settings, .. byPassword]))
        {
            await CreateLinkAsync(app);
            captured.AddRange(await VisitAsync(app, "first", 400));
            await UntilAsync(app, "shortener_click_events_spooled", count => count == captured.Count, "all visits are in the spool");
            await UntilFailingAsync(app, "authentication");
            var health = JsonDocument.Parse((await app.Anonymous.GetAsync("/health")).Text).RootElement;
            Assert.Equal(("healthy", "authentication"), (health.GetProperty("status").GetString(), health.GetProperty("events").GetString()));
            // The file is mended. The topic does not exist yet.
            await WriteAsync(folder, "password", kafka.Password + "\n");
            await UntilFailingAsync(app, "topic");
            await CreateTopicsAsync(kafka);
            await UntilAsync(app, "shortener_click_events_published_total", count => count == captured.Count, "all events arrive");
            await UntilAsync(app, "shortener_click_events_failing", failing => failing == 0, "nothing fails");
            Assert.Matches(@"Kafka does not take click events; they wait in the spool: .*SCRAM-SHA-512", app.Output);
            Assert.Contains("Kafka takes click events again.", app.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(kafka.Password, app.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("former", app.Output, StringComparison.Ordinal);

            // One of three: the others take its partitions.
            await kafka.Nodes[0].KillAsync(Token);
            captured.AddRange(await VisitAsync(app, "one", 400));
            await UntilAsync(app, "shortener_click_events_published_total", count => count == captured.Count, "all events arrive");

            await kafka.Nodes[1].FreezeAsync(Token);
            captured.AddRange(await VisitAsync(app, "frozen", 400));
            await kafka.Nodes[1].KillAsync(Token);
            await kafka.Nodes[2].KillAsync(Token);
            captured.AddRange(await VisitAsync(app, "killed", 400));
            await UntilAsync(app, "shortener_click_events_captured_total", count => count == captured.Count, "all visits are captured");

            // In the middle of visits, of which some are on the disk: what waits in memory ends with the process. Nothing more is published.
            var published = await ReadAsync(app, "shortener_click_events_published_total");
            var visits = VisitAsync(app, "last", 100_000);
            await UntilAsync(app, "shortener_click_events_spooled", count => count > captured.Count - published + 100, "more visits are in the spool");
            await app.KillAsync();
            await visits;
        }

        await using (var app = await StartAsync("app2", folder, [.. settings, .. byCertificate]))
        {
            recovered = await ReadAsync(app, "shortener_click_events_recovered_total");
            captured.AddRange(await VisitAsync(app, "again", 400));
            await kafka.RenewKeysAsync(Token);
            await Task.WhenAll(kafka.Nodes.Select(node => node.StartAsync(Token)));
            // The brokers have certificates of another authority, and know no client of the former one.
            await UntilFailingAsync(app, "tls");
            await WriteAsync(folder, "ca.crt", kafka.Keys.Authority);
            await WriteAsync(folder, "user.crt", kafka.Keys.ClientCertificate);
            await WriteAsync(folder, "user.key", kafka.Keys.ClientKey);
            await UntilAsync(app, "shortener_click_events_captured_total", count => count == 400, "all visits are captured");
            await UntilAsync(app, "shortener_click_events_spooled", count => count == 0, "the spool is empty");
            Assert.Equal(recovered + 400, await ReadAsync(app, "shortener_click_events_published_total"));
            Assert.Equal(0, await ReadAsync(app, "shortener_click_events_dropped_total"));
            await app.StopAsync();
            Assert.DoesNotContain("PRIVATE KEY", app.Output, StringComparison.Ordinal);
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

    // As a platform engineer does, by the script that comes with the product.
    private static async Task CreateTopicsAsync(KafkaCluster kafka)
    {
        await kafka.RunScriptAsync(Checkout.PathOf("config/analytics/kafka/create-topics.sh"), [kafka.BootstrapServers, Topic], Token);
        var (replicas, settings) = await kafka.DescribeTopicAsync(Topic);
        Assert.Equal(Enumerable.Repeat(3, 12), replicas);
        Assert.Equal(("2", "false", "producer"), (settings["min.insync.replicas"], settings["unclean.leader.election.enable"], settings["compression.type"]));
        var (ofLetters, kept) = await kafka.DescribeTopicAsync(Topic + ".dead-letters");
        Assert.Equal(Enumerable.Repeat(3, 3), ofLetters);
        foreach (var (results, partitions) in ((string, int)[])[(".minutes", 12), (".trends", 3), (".floods", 3)])
            Assert.Equal(Enumerable.Repeat(3, partitions), (await kafka.DescribeTopicAsync(Topic + results)).Replicas);
        Assert.True(long.Parse(kept["retention.ms"], CultureInfo.InvariantCulture) > long.Parse(settings["retention.ms"], CultureInfo.InvariantCulture));
    }

    private static async Task<string> WriteAsync(TestFolder folder, string name, string text)
    {
        var path = folder.PathOf(name);
        await File.WriteAllTextAsync(path, text, Token);
        return path;
    }

    private static Task<double> UntilFailingAsync(RunningProduct app, string reason) =>
        UntilAsync(app, "shortener_click_events_failing", failing => failing == 1, $"events do not arrive: {reason}", $"reason=\"{reason}\"");

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

    private static Task<double> UntilAsync(RunningProduct app, string metric, Func<double, bool> isWanted, string what, string label = "") =>
        Eventually.ReadAsync(() => ReadAsync(app, metric, label), isWanted, what);

    private static async Task<double> ReadAsync(RunningProduct app, string metric, string label = "")
    {
        var page = await app.Anonymous.GetAsync("/metrics");
        return page
            .Text.Split('\n')
            .Where(line => line.StartsWith(metric + "{", StringComparison.Ordinal) && line.Contains(label, StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }
}
