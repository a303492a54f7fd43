using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>Nodes of the cluster that are drained, lost and cut off while links are followed.</summary>
public sealed class NodeTests(InstalledProduct product, ITestOutputHelper output) : ClusterTest(product)
{
    private const string Zone = "topology.kubernetes.io/zone";
    private static readonly TimeSpan ToolLimit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Image_Changed_PodsAreSpreadOverZones()
    {
        Product.AssertInstalled();
        var zones = (await ReadNodesAsync()).Where(IsReady).ToLookup(node => (string?)node["metadata"]!["labels"]![Zone], NameOf);
        Assert.SkipUnless(zones.Count > 1 && !zones.Contains(null), $"The ready nodes of the cluster are not in several zones (label {Zone}).");

        // Twice, since the spread of one rollout may be good luck.
        foreach (var image in new[] { Product.Settings.NextRuntimeImage, Product.Settings.RuntimeImage })
        {
            await RollAsync(image);
            var pods = await ReadPodsAsync();
            var counts = zones.Select(zone => pods.Count(pod => !IsEnding(pod) && zone.Contains(NodeOf(pod)))).ToList();
            Assert.True(counts.Max() - counts.Min() <= 1, $"Pods in the zones: {string.Join(", ", counts)}\n{await DescribeAsync()}");
        }
    }

    [Fact]
    public async Task Nodes_DrainedAtOnce_NoRedirectFails()
    {
        Product.AssertInstalled();
        await SkipWithoutNodesAsync();
        await SpreadAsync();
        await using var visitors = await StartVisitorsAsync();

        var began = Stopwatch.GetTimestamp();
        try
        {
            // Together they have more pods than the disruption budget lets go at a time.
            await Task.WhenAll(
                ClusterSettings.Nodes.Select(node => Kubectl.RunAsync($"drain {node} --ignore-daemonsets --delete-emptydir-data --timeout=240s", Token))
            );
            output.WriteLine($"Drained {string.Join(" and ", ClusterSettings.Nodes)} at once in {Seconds(began)}.");
            Assert.DoesNotContain(await ReadPodsAsync(), pod => ClusterSettings.Nodes.Contains(NodeOf(pod)));
            await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);
        }
        finally
        {
            await Kubectl.TryAsync($"uncordon {string.Join(' ', ClusterSettings.Nodes)}", CancellationToken.None);
        }

        await AssertAllRedirectedAsync(visitors);
        output.WriteLine($"{visitors.Redirects} redirects, none failed.");
    }

    [Fact]
    public Task Node_Killed_PodsServeElsewhereAndItMayComeBack() => WithFixedSizeAsync(() => LoseAsync("kill", "start"));

    [Fact]
    public Task Node_CutOff_PodsServeElsewhereAndItMayComeBack() => WithFixedSizeAsync(() => LoseAsync("cut", "heal"));

    private async Task LoseAsync(string lose, string bringBack)
    {
        Assert.SkipUnless(ClusterSettings.NodeTool is not null, "E2E_NODE_TOOL names no command that ends and starts nodes (docs/operator.md).");
        await SkipWithoutNodesAsync();
        await SpreadAsync();
        var before = await ReadPodsAsync();
        var node = ClusterSettings.Nodes.MaxBy(name => before.Count(pod => NodeOf(pod) == name))!;
        var lost = before.Where(pod => NodeOf(pod) == node).Select(NameOf).ToList();
        Assert.True(lost.Count > 0, $"None of the nodes {string.Join(", ", ClusterSettings.Nodes)} has a pod of the app.\n{await DescribeAsync()}");
        var (connect, path) = await OpenLinkAsync();

        await using var arrivals = Arrivals.Begin(connect, path, Token);
        await UntilAsync(() => Task.FromResult(arrivals.Streak > Arrivals.LongStreak), "visitors are redirected");
        var isLost = true;
        await RunToolAsync(lose, node);
        var began = Stopwatch.GetTimestamp();
        var report = new List<string> { $"{lose} {node}, with {lost.Count} of {before.Count} pods" };
        try
        {
            await UntilAsync(async () => !IsReady(await ReadNodeAsync(node)), "the node is not ready");
            report.Add($"node not ready after {Seconds(began)}");
            await UntilAsync(async () => !await HasEndpointsAsync(node), "the Service has no endpoints on it");
            report.Add($"its endpoints gone after {Seconds(began)}");
            await UntilAsync(() => Task.FromResult(arrivals.Streak > Arrivals.LongStreak), "no redirect fails any more");
            var visits = await arrivals.StopAsync();
            // From here on nothing fails: not while pods start elsewhere, and not when the node comes back.
            await using var later = Visitors.Come(connect, path, Token);
            await UntilAsync(
                async () => (await ReadPodsAsync()).Count(pod => IsReady(pod) && !IsEnding(pod) && NodeOf(pod) != node) >= before.Count,
                "as many pods as before serve elsewhere"
            );
            report.Add($"{before.Count} pods elsewhere after {Seconds(began)}");
            await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);
            report.Add($"region ready after {Seconds(began)}");

            var returned = Stopwatch.GetTimestamp();
            await RunToolAsync(bringBack, node);
            isLost = false;
            await UntilAsync(async () => IsReady(await ReadNodeAsync(node)), "the node is ready");
            report.Add($"{bringBack}: node ready after {Seconds(returned)}");
            await UntilAsync(async () => !(await ReadPodsAsync()).Select(NameOf).Intersect(lost).Any(), "its old pods are gone");
            report.Add($"its old pods gone after {Seconds(returned)}");
            await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);

            // What failed before the loss is no part of it: it would be too busy a machine.
            var since = visits.Where(visit => Offset(visit) > -Arrivals.Patience.TotalSeconds).ToList();
            var failed = since.Where(visit => visit.Failure is not null).ToList();
            var during = since.Count(visit => failed.Count > 0 && visit.Began >= failed[0].Began && visit.Began <= failed[^1].Began);
            report.Add(
                failed.Count == 0
                    ? $"none of {since.Count} requests failed"
                    : string.Create(
                        CultureInfo.InvariantCulture,
                        $"{failed.Count} of {during} requests failed that began between {Offset(failed[0])} and {Offset(failed[^1])} s after the loss; a visitor gives up after {Arrivals.Patience.TotalSeconds:0} s"
                    )
            );
            output.WriteLine(string.Join("; ", report));
            // Most pods are on other nodes, so most visitors are redirected even then.
            Assert.True(failed.Count <= during * 0.7, $"{string.Join("; ", report)}\n{string.Join('\n', failed.Take(3).Select(visit => visit.Failure))}");
            await AssertAllRedirectedAsync(later);
        }
        finally
        {
            await arrivals.StopAsync();
            // The other tests need all nodes.
            if (isLost)
                await RunToolAsync(bringBack, node);
            await Kubectl.RunAsync($"wait --for=condition=Ready node/{node} --timeout=240s", CancellationToken.None);
        }

        double Offset(Arrivals.Visit visit) => Math.Round(Stopwatch.GetElapsedTime(began, visit.Began).TotalSeconds, 1);
    }

    // Kubernetes moves no pods on its own when a node comes back.
    private async Task SpreadAsync()
    {
        await Kubectl.RunAsync($"rollout restart {App} --namespace {InstalledProduct.Namespace}", Token);
        await Kubectl.RunAsync($"rollout status {App} --namespace {InstalledProduct.Namespace} --timeout=240s", Token);
        await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);
        await UntilAsync(async () => !(await ReadPodsAsync()).Any(IsEnding), "no pod is ending");
    }

    private async Task SkipWithoutNodesAsync()
    {
        Assert.SkipUnless(ClusterSettings.Nodes.Count > 1, "E2E_NODES does not name two nodes or more that the test may drain and lose (docs/operator.md).");
        var ready = (await ReadNodesAsync()).Where(IsReady).Select(NameOf).ToList();
        Assert.SkipUnless(
            ready.Count > ClusterSettings.Nodes.Count,
            $"The cluster has no other ready node than those in E2E_NODES: {string.Join(", ", ready)}."
        );
        Assert.Empty(ClusterSettings.Nodes.Except(ready));
    }

    private static Task<string> RunToolAsync(string verb, string node) =>
        Tool.RunAsync([.. ClusterSettings.NodeTool!.Split(' '), verb, node], Path.GetTempPath(), ToolLimit, CancellationToken.None);

    private async Task<IReadOnlyList<JsonNode>> ReadNodesAsync() => Items(await Kubectl.GetAsync("nodes", InstalledProduct.Namespace, Token));

    private Task<JsonNode> ReadNodeAsync(string node) => Kubectl.GetAsync($"node/{node}", InstalledProduct.Namespace, Token);

    private async Task<IReadOnlyList<JsonNode>> ReadPodsAsync() =>
        Items(await Kubectl.GetAsync($"pods --selector {AppPods}", InstalledProduct.Namespace, Token));

    private async Task<bool> HasEndpointsAsync(string node) =>
        Items(await Kubectl.GetAsync($"endpointslices --selector kubernetes.io/service-name={ServiceAccess.ServiceName}", InstalledProduct.Namespace, Token))
            .SelectMany(slice => slice["endpoints"]?.AsArray() ?? [])
            .Any(endpoint => (string?)endpoint!["nodeName"] == node && (bool?)endpoint["conditions"]?["ready"] != false);

    private Task<string> DescribeAsync() => Product.DescribeAsync(InstalledProduct.Namespace);

    private static IReadOnlyList<JsonNode> Items(JsonNode list) => [.. list["items"]!.AsArray().Select(item => item!)];

    private static string NameOf(JsonNode item) => (string)item["metadata"]!["name"]!;

    private static string NodeOf(JsonNode pod) => (string?)pod["spec"]!["nodeName"] ?? "";

    private static bool IsEnding(JsonNode pod) => pod["metadata"]!["deletionTimestamp"] is not null;

    private static bool IsReady(JsonNode item) =>
        item["status"]?["conditions"]?.AsArray().Any(condition => (string?)condition!["type"] == "Ready" && (string?)condition["status"] == "True") == true;

    private static string Seconds(long began) => string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(began).TotalSeconds:0} s");
}
