using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>
/// Three regions that share one database, as <c>config/samples/failover.yaml</c> has them but small, each on a node of its own where there are three: the role moves
/// when a region is drained, and when its node is lost, while all are asked for links.
/// </summary>
public sealed partial class RegionTests(InstalledProduct product, ITestOutputHelper output) : ClusterTest(product)
{
    private const string Space = "urlshortener-e2e-regions";
    private const string Sample = "config/samples/failover.yaml";
    private const string Label = "urlshortener-e2e/region";

    private static readonly string[] All = ["us-west", "us-east", "eu-west"];
    private static readonly TimeSpan ToolLimit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Role_OfADrainedAndOfALostRegion_Moves()
    {
        Product.AssertInstalled();
        Assert.SkipUnless(
            ClusterSettings.StorePostgres is not null,
            "STORE_POSTGRES_IMAGE names no image of PostgreSQL (docs/operator.md; `make store-images` builds one)."
        );
        var places = await LabelNodesAsync();
        await Kubectl.RunAsync($"create namespace {Space}", Token);
        try
        {
            await Product.ApplyOverlayAsync([InstalledProduct.Namespace, Space], Token);
            var began = Stopwatch.GetTimestamp();
            await Kubectl.ApplyAsync(ReadSample(places is not null), Space, Token);
            await UntilWholeAsync();
            Tell($"Three regions vote after {Seconds(began)}.");
            var clients = new Dictionary<string, HttpClient>();
            foreach (var region in All)
            {
                var http = (await Product.Access.OpenAsync(Space, $"{region}-app"))();
                http.Timeout = TimeSpan.FromSeconds(5);
                clients[region] = http;
            }

            await using var links = new RegionLinks(clients);
            await UntilWritesAsync(links, "us-west");
            await MeasureAsync(links, "drain us-west", DrainAsync);
            await AssertNoneLostAsync(links);
            await LoseNodeAsync(links, places);
            Tell($"{links.Count} links acknowledged, by {string.Join(", ", links.ReadWriters())}.");
        }
        catch
        {
            // It goes with the namespace.
            Tell(await DescribeAsync());
            throw;
        }
        finally
        {
            await Kubectl.TryAsync($"delete shortenerregions,keypools --all --namespace {Space} --timeout=120s", CancellationToken.None);
            await Kubectl.TryAsync($"delete namespace {Space} --ignore-not-found --timeout=240s", CancellationToken.None);
            await Kubectl.TryAsync($"label nodes --all {Label}-", CancellationToken.None);
            await Product.ApplyOverlayAsync([InstalledProduct.Namespace], CancellationToken.None);
        }
    }

    private async Task DrainAsync(RegionLinks links)
    {
        await PatchAsync("us-west", """{ "spec": { "drain": true } }""");
        await UntilMovedAsync("us-west");
        await PatchAsync("us-west", """{ "spec": { "drain": false } }""");
    }

    // Its region comes back with its old volume, and follows.
    private async Task LoseNodeAsync(RegionLinks links, IReadOnlyDictionary<string, string>? places)
    {
        var from = await ReadPrimaryAsync();
        if (ClusterSettings.NodeTool is null || places is null || !ClusterSettings.Nodes.Contains(places[from]))
        {
            Tell($"E2E_NODE_TOOL and E2E_NODES do not name the node of region {from} as one that may be lost.");
            return;
        }

        foreach (var region in All)
            await PatchAsync(region, """{ "spec": { "failover": { "mode": "Automatic" } } }""");
        foreach (var region in All)
            await Kubectl.RunAsync($"wait --namespace {Space} --for=condition=AutomaticFailover shortenerregion/{region} --timeout=240s", Token);
        var lost = 0L;
        await MeasureAsync(
            links,
            $"kill {places[from]}, the node of {from}",
            async _ =>
            {
                lost = Stopwatch.GetTimestamp();
                await RunToolAsync("kill", places[from]);
                try
                {
                    await UntilMovedAsync(from);
                    await UntilWritesAsync(links, await ReadPrimaryAsync());
                }
                finally
                {
                    await RunToolAsync("start", places[from]);
                    await Kubectl.RunAsync($"wait --for=condition=Ready node/{places[from]} --timeout=240s", CancellationToken.None);
                }
            }
        );
        // What was not sent yet when the node ended, and nothing older.
        var missing = await links.FindLostAsync(await ReadPrimaryAsync(), Token);
        Assert.All(missing, link => Assert.True(Stopwatch.GetElapsedTime(link.At, lost) < TimeSpan.FromSeconds(2), link.Text));
        Tell($"{missing.Count} links lost that only the lost node had.");
    }

    private static async Task AssertNoneLostAsync(RegionLinks links)
    {
        foreach (var region in All)
            Assert.Empty(await links.FindLostAsync(region, Token));
    }

    private async Task MeasureAsync(RegionLinks links, string what, Func<RegionLinks, Task> act)
    {
        var began = Stopwatch.GetTimestamp();
        await act(links);
        await UntilWritesAsync(links, await ReadPrimaryAsync());
        var gap = links.LongestGapSince(began);
        await UntilWholeAsync();
        Tell(string.Create(CultureInfo.InvariantCulture, $"{what}: {gap.TotalSeconds:0.0} s without a new link; all regions ready after {Seconds(began)}"));
    }

    private Task UntilWritesAsync(RegionLinks links, string region) =>
        UntilAsync(() => Task.FromResult(links.IsWriting(region)), $"links are created in {region}", DescribeAsync);

    private Task UntilMovedAsync(string from) =>
        UntilAsync(
            async () => await ReadPrimaryAsync() != from && (string?)(await ReadFailoverAsync())["phase"] == "Stable",
            $"another region than {from} has the role",
            DescribeAsync
        );

    // Each region is ready, the two that do not write follow the one that does, and all know the same.
    private Task UntilWholeAsync() =>
        UntilAsync(
            async () =>
            {
                var regions = (await Kubectl.GetAsync("shortenerregions", Space, Token))["items"]!.AsArray();
                var primary = regions.Select(region => (string?)region!["status"]?["failover"]?["region"]).Distinct().ToList();
                return regions.Count == All.Length
                    && primary is [{ } one]
                    && regions.All(region =>
                        Is(region!, "Ready", "True")
                        && Is(region!, "PostgresReady", "True")
                        && ((string?)region!["spec"]!["region"] == one || Is(region, "StandbyReplicating", "True"))
                        && (string?)region["status"]!["role"] == ((string?)region["spec"]!["region"] == one ? "Primary" : "Standby")
                    );
            },
            "three regions share one database",
            DescribeAsync,
            minutes: 15
        );

    private static bool Is(JsonNode region, string type, string status) =>
        region["status"]?["conditions"]?.AsArray().Any(one => (string?)one!["type"] == type && (string?)one["status"] == status) == true;

    // A node for each region; null: there are fewer. The ones that may be lost come first.
    private async Task<IReadOnlyDictionary<string, string>?> LabelNodesAsync()
    {
        var nodes = (await Kubectl.RunAsync("get nodes --output jsonpath={.items[*].metadata.name}", Token)).Split(
            ' ',
            StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
        );
        var ordered = ClusterSettings.Nodes.Concat(nodes.Except(ClusterSettings.Nodes)).ToList();
        if (ordered.Count < All.Length)
            return null;
        var places = All.Zip(ordered).ToDictionary(pair => pair.First, pair => pair.Second);
        foreach (var (region, node) in places)
            await Kubectl.RunAsync($"label node {node} {Label}={region} --overwrite", Token);
        return places;
    }

    private string ReadSample(bool hasPlaces)
    {
        var text = File.ReadAllText(Checkout.PathOf(Sample)).Split("apiVersion: urlshortener.dev/v1alpha1\nkind: KeyPool")[0];
        text = RedisPart().Replace(text, "");
        text = hasPlaces ? text.Replace("topology.kubernetes.io/region:", $"{Label}:", StringComparison.Ordinal) : NodeSelectors().Replace(text, "");
        return Traffic()
            .Replace(text, "")
            .Replace("namespace: urlshortener\n", $"namespace: {Space}\n", StringComparison.Ordinal)
            // Not the one of the region beside them, which has a database of its own.
            .Replace("spec:\n  region:", "spec:\n  group: e2e-regions\n  region:", StringComparison.Ordinal)
            .Replace(
                "image: localhost/url-shortener-runtime:0.1.0",
                $"image: {Product.Settings.RuntimeImage}\n    minReplicas: 1\n    standbyMinReplicas: 1\n    maxReplicas: 1\n    "
                    + "settings: [{ name: RateLimiting:Anonymous, value: \"100000\" }]\n    resources:\n      requests: { cpu: 50m, memory: 128Mi }",
                StringComparison.Ordinal
            )
            .Replace(
                "image: localhost/url-shortener-postgres:17-0.1.0\n    instances: 3\n    durability: Sync",
                $"image: {ClusterSettings.StorePostgres!.Value.Image}\n    instances: 1\n    durability: Async\n    "
                    + "resources:\n      requests: { cpu: 50m, memory: 128Mi }\n      limits: { memory: 512Mi }",
                StringComparison.Ordinal
            )
            .Replace("size: 20Gi", "size: 1Gi\n      onDelete: Delete", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^  redis:\n(    .*\n)+", RegexOptions.Multiline)]
    private static partial Regex RedisPart();

    [GeneratedRegex(@"^    mode: DNSEndpoint\n    targets:\n    - .*\n", RegexOptions.Multiline)]
    private static partial Regex Traffic();

    [GeneratedRegex(@"^    nodeSelector:\n      .*\n", RegexOptions.Multiline)]
    private static partial Regex NodeSelectors();

    private Task PatchAsync(string region, string patch) => Kubectl.PatchAsync($"shortenerregion/{region}", Space, patch, Token);

    private async Task<string> ReadPrimaryAsync() => (string)(await ReadFailoverAsync())["region"]!;

    // The latest that any of them knows.
    private async Task<JsonNode> ReadFailoverAsync() =>
        (await Kubectl.GetAsync("shortenerregions", Space, Token))["items"]!
            .AsArray()
            .Select(region => region!["status"]?["failover"])
            .OfType<JsonNode>()
            .MaxBy(failover => (long)failover["epoch"]!)!;

    private static Task<string> RunToolAsync(string verb, string node) =>
        Tool.RunAsync([.. ClusterSettings.NodeTool!.Split(' '), verb, node], Path.GetTempPath(), ToolLimit, CancellationToken.None);

    private async Task<string> DescribeAsync() =>
        string.Join(
            '\n',
            await Product.DescribeAsync(Space),
            await Kubectl.TryAsync($"get shortenerregions --namespace {Space} --output jsonpath={{.items[*].status}}", Token),
            await Kubectl.TryAsync($"get configmaps --namespace {Space} --output jsonpath={{.items[*].data.voter}}", Token),
            await Kubectl.TryAsync($"logs --namespace {Space} --selector urlshortener.dev/postgres-scope --tail=40 --prefix", Token)
        );

    private void Tell(string text) => output.WriteLine(text);

    private static string Seconds(long began) => string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(began).TotalSeconds:0} s");
}
