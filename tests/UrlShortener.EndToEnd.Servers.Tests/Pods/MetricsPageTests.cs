using UrlShortener.EndToEnd.Tests.Product;
using UrlShortener.TestHarness.Metrics;
using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

/// <summary>docs/metrics.md and what the processes expose: the same, in each role.</summary>
public sealed class MetricsPageTests : PodTest
{
    private const string Region = "eu-test";
    private const string Every = "Every role";
    private const string Links = "Links";
    private const string Postgres = "With PostgreSQL";
    private const string Redis = "With Redis";
    private const string Kafka = "With Kafka";
    private const string ClickHouse = "With ClickHouse";
    private const string Loading = "With Kafka and ClickHouse";
    private const string Kgs = "Key generation";

    [Fact]
    public async Task Metrics_OfEveryRole_AreThoseOfThePage()
    {
        var page = new MetricsPage();
        var region = await StartRegionAsync(null, $"--Region:Name={Region}");
        await MakeTrafficAsync(region.A);
        var all = Own(
            ProductProcess.Launch(
                await NewStoresAsync(),
                $"--Region:Name={Region}",
                $"--Kgs:Token={KgsToken}",
                // Nobody answers there, and nobody has to.
                "--ConnectionStrings:Kafka=127.0.0.1:1",
                "--ConnectionStrings:ClickHouse=Host=127.0.0.1;Port=1"
            )
        );
        await all.WaitUntilReadyAsync();

        page.Check(await ReadAsync(region.A), Region, Every, Links, Postgres, Redis);
        page.Check(await ReadAsync(region.Kgs), Region, Every, Postgres, Redis, Kgs);
        page.Check(await ReadAsync(all), Region, Every, Links, Postgres, Redis, Kafka, ClickHouse, Loading, Kgs);
        page.CheckValues(Every, Links, Postgres, Redis, Kafka, ClickHouse, Loading, Kgs);
    }

    [Fact]
    public async Task Metrics_AfterTheStart_HaveEveryServerAndItsLag()
    {
        var region = await GetCommonRegionAsync();

        await Eventually.ReadAsync(
            async () => await ReadAsync(region.Kgs),
            text =>
                text.Contains("\nshortener_redis_evicted_keys_total{", StringComparison.Ordinal)
                && text.Contains("\nshortener_kgs_pool_keys{", StringComparison.Ordinal)
                && text.Contains("\nshortener_partitions_ahead{", StringComparison.Ordinal),
            "the servers were asked"
        );
        var replicas = region.Stores.Servers.Postgres.Nodes.Count - 1;
        await Eventually.ReadAsync(
            async () =>
                (await ReadAsync(region.A)).Split('\n').Count(line => line.StartsWith("shortener_postgres_replication_lag_seconds{", StringComparison.Ordinal)),
            series => series == replicas,
            $"{replicas} replicas have a lag, and the primary has none"
        );
    }

    // Requests with much that must not end in a label.
    private static async Task MakeTrafficAsync(ProductProcess pod)
    {
        await pod.Anonymous.PostAsync("/api/v1/urls", new { original_url = "https://example.com/secret-target" });
        foreach (var path in new[] { "/aB3xY9q", "/api/v1/urls/aB3xY9q", "/a/b/c", "/API/V1/urls", "/health", "/metrics", "/docs", "/%00", "/api/v1/nothing" })
        {
            foreach (var method in new[] { "GET", "HEAD", "POST", "BREW", "aB3xY9q" })
                await pod.Anonymous.SendAsync(new HttpMethod(method), path);
        }
    }

    private static async Task<string> ReadAsync(ProductProcess process) => (await process.Anonymous.GetAsync("/metrics")).Text;
}
