using System.Text.Json.Nodes;
using Xunit;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>Kafka and ClickHouse in the specification. Nobody answers there: the images hold what speaks to them, and the region serves without them.</summary>
public sealed class ClickTests(InstalledProduct product) : ClusterTest(product)
{
    private const string Loaders = $"{InstalledProduct.Region}-clicks";
    private const string Secret = $"secret/{InstalledProduct.Region}-clickhouse";

    [Fact]
    public async Task KafkaAndClickHouse_ThatDoNotAnswer_AreToldAndNotNeeded()
    {
        Product.AssertInstalled();
        try
        {
            await PatchAsync(
                $$"""
                { "kafka": { "bootstrapServers": ["127.0.0.1:1"] },
                  "clickHouse": { "connectionSecretRef": { "name": "{{InstalledProduct.Region}}-clickhouse" }, "loaders": { "minReplicas": 2, "maxReplicas": 2 } } }
                """
            );
            await UntilAsync(async () => await ReasonOfAsync("AnalyticsHealthy") == "SecretNotFound", "the missing Secret is named");
            await UntilAsync(async () => await CountLoadersAsync() == 2, "both loaders run", DescribeLoadersAsync);
            await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);
            await Kubectl.RunAsync(
                [
                    "create",
                    "secret",
                    "generic",
                    "--namespace",
                    InstalledProduct.Namespace,
                    $"{InstalledProduct.Region}-clickhouse",
                    "--from-literal=connectionString=Host=127.0.0.1;Port=1;Username=shortener;Password=absent;Database=shortener",
                ],
                Token
            );
            await UntilAsync(async () => await ReasonOfAsync("AnalyticsHealthy") == "Unreachable", "ClickHouse cannot be reached", DescribeLoadersAsync);

            await using (var visitors = await StartVisitorsAsync())
            {
                await UntilAsync(async () => await ReasonOfAsync("ClickEventsDelivered") == "Unreachable", "Kafka cannot be reached");
                await AssertAllRedirectedAsync(visitors);
            }

            await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);
            await PatchAsync("""{ "kafka": null, "clickHouse": null }""");
            await UntilAsync(
                async () =>
                    !(await Kubectl.GetAsync("deployments", InstalledProduct.Namespace, Token))["items"]!.AsArray().Any(IsOfLoaders)
                    && await ReasonOfAsync("AnalyticsHealthy") is null,
                "nothing of the loaders is left"
            );
        }
        finally
        {
            await Kubectl.PatchAsync(Region, InstalledProduct.Namespace, """{ "spec": { "kafka": null, "clickHouse": null } }""", CancellationToken.None);
            await Kubectl.TryAsync($"delete {Secret} --namespace {InstalledProduct.Namespace} --ignore-not-found", CancellationToken.None);
        }

        await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);
    }

    private Task PatchAsync(string spec) => Kubectl.PatchAsync(Region, InstalledProduct.Namespace, $$"""{ "spec": {{spec}} }""", Token);

    private async Task<string?> ReasonOfAsync(string type) =>
        (string?)
            (await Kubectl.GetAsync(Region, InstalledProduct.Namespace, Token))["status"]
                ?["conditions"]?.AsArray()
                .FirstOrDefault(condition => (string?)condition!["type"] == type)
                ?["reason"];

    private async Task<int> CountLoadersAsync()
    {
        var all = await Kubectl.GetAsync("deployments", InstalledProduct.Namespace, Token);
        return all["items"]!.AsArray().FirstOrDefault(IsOfLoaders)?["status"]?["readyReplicas"]?.GetValue<int>() ?? 0;
    }

    private Task<string> DescribeLoadersAsync() =>
        Kubectl.TryAsync($"logs --namespace {InstalledProduct.Namespace} --selector app.kubernetes.io/component=clicks --tail=40 --prefix", Token);

    private static bool IsOfLoaders(JsonNode? deployment) => (string?)deployment!["metadata"]!["name"] == Loaders;
}
