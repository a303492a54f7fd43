using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using UrlShortener.TestHarness;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>
/// A region whose PostgreSQL and Redis the operator runs, as <c>config/samples/stores.yaml</c> has it but small, while links are created: every pod is replaced in
/// turn, nodes are drained, lost and cut off, and images change. No acknowledged link may be lost.
/// </summary>
public sealed class StoreTests(InstalledProduct product, ITestOutputHelper output) : ClusterTest(product)
{
    private const string Space = "urlshortener-e2e-own-stores";
    private const string Sample = "config/samples/stores.yaml";
    private const string Postgres = "urlshortener.dev/postgres-scope";

    private static readonly TimeSpan ToolLimit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Region_WithStoresOfTheOperator_LosesNoLinkWhateverIsLost()
    {
        Product.AssertInstalled();
        Assert.SkipUnless(
            ClusterSettings.StorePostgres is not null && ClusterSettings.StoreRedis is not null,
            "STORE_POSTGRES_IMAGE and STORE_REDIS_IMAGE name no images of stores (docs/operator.md; `make store-images` builds them)."
        );
        await Kubectl.RunAsync($"create namespace {Space}", Token);
        try
        {
            await Product.ApplyOverlayAsync([InstalledProduct.Namespace, Space], Token);
            var began = Stopwatch.GetTimestamp();
            await Kubectl.ApplyAsync(ReadSample(), Space, Token);
            await UntilWholeAsync();
            Tell($"The region and its stores are ready after {Seconds(began)}.");
            var connect = await Product.Access.OpenAsync(Space);
            using var http = connect();
            http.Timeout = Arrivals.Patience;
            await using var writer = new LinkWriter(http);
            await UntilAsync(() => Task.FromResult(writer.LastAt > 0), "a link is created", DescribeAsync);

            await ReplaceEveryPodAsync(writer);
            await DrainAsync(writer);
            await LoseNodesAsync(writer);
            await ChangeImagesAsync(writer);

            var acknowledged = await writer.StopAsync();
            Assert.Empty(await writer.FindLostAsync());
            Assert.Empty(writer.Missed);
            Tell($"{acknowledged.Count} links acknowledged, none lost.");
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
            await Product.ApplyOverlayAsync([InstalledProduct.Namespace], CancellationToken.None);
        }
    }

    private async Task ReplaceEveryPodAsync(LinkWriter writer)
    {
        foreach (var pod in (await ReadStorePodsAsync()).Select(NameOf).ToList())
        {
            var primary = await ReadPrimaryAsync();
            await MeasureAsync(
                writer,
                $"delete {pod}{(pod == primary ? ", the primary" : "")}",
                () => Kubectl.RunAsync($"delete pod {pod} --namespace {Space} --timeout=120s", Token)
            );
        }
    }

    private async Task DrainAsync(LinkWriter writer)
    {
        foreach (var node in ClusterSettings.Nodes)
        {
            await MeasureAsync(
                writer,
                $"drain {node}",
                async () =>
                {
                    try
                    {
                        await Kubectl.RunAsync($"drain {node} --ignore-daemonsets --delete-emptydir-data --timeout=240s", Token);
                    }
                    finally
                    {
                        // Volumes are bound to their nodes.
                        await Kubectl.TryAsync($"uncordon {node}", CancellationToken.None);
                    }
                }
            );
        }
    }

    private async Task LoseNodesAsync(LinkWriter writer)
    {
        if (ClusterSettings.NodeTool is null || ClusterSettings.Nodes.Count == 0)
        {
            Tell("E2E_NODE_TOOL and E2E_NODES name no nodes that may be lost.");
            return;
        }

        foreach (var (lose, bringBack) in new[] { ("kill", "start"), ("cut", "heal") })
        {
            var node = await MovePrimaryToAsync(ClusterSettings.Nodes);
            var pods = (await ReadStorePodsAsync()).Where(pod => !IsOfPostgres(pod)).ToList();
            var witness = NameOf(pods.First(pod => NodeOf(pod) != node));
            var masters = await ReadRedisMastersAsync();
            var lostMasters = pods.Count(pod => NodeOf(pod) == node && masters.Contains(NameOf(pod)));
            Task<string>? written = null;
            await MeasureAsync(
                writer,
                $"{lose} {node}, the node of the primary",
                async () =>
                {
                    written = RunInRedisAsync(witness, $"name={lose}\n{WriteToAllShards}");
                    await UntilAsync(
                        async () => (await RunInRedisAsync(witness, $"cd \"$REDIS_RUN\" && ls written-{lose}-* 2>/dev/null | wc -l")).Trim() == "3",
                        "all shards of Redis are written to",
                        DescribeAsync
                    );
                    var lost = Stopwatch.GetTimestamp();
                    await RunToolAsync(lose, node);
                    try
                    {
                        await UntilAsync(
                            () => Task.FromResult(Stopwatch.GetElapsedTime(lost) > TimeSpan.FromMinutes(1) && IsWriting(writer)),
                            "links are created a minute after the loss",
                            DescribeAsync
                        );
                    }
                    finally
                    {
                        await RunToolAsync(bringBack, node);
                        await Kubectl.RunAsync($"wait --for=condition=Ready node/{node} --timeout=240s", CancellationToken.None);
                    }
                }
            );
            Tell($"{lose} {node}, with {lostMasters} masters of Redis: {LongestGapOfAShard(await written!)} without a write to a shard");
        }
    }

    // Times at which each of three keys was written, one for each shard. A node that does not answer is given up after a second.
    private const string WriteToAllShards = """
        . "$REDIS_CONFIG/common.sh"
        end=$(($(date +%s) + 70))
        for key in a b c; do
            while [ "$(date +%s)" -lt "$end" ]; do
                said=$(timeout 1 redis-cli -c -h "$POD_IP" -p 6379 --tls --cacert "$REDIS_TLS/ca-bundle.crt" --no-auth-warning SET "$key" x 2>/dev/null | tail -n 1)
                [ "$said" != OK ] || { echo "$key $(date +%s%3N)" && : >"$REDIS_RUN/written-$name-$key"; }
                sleep 0.05
            done &
        done
        wait
        """;

    private Task<string> RunInRedisAsync(string pod, string script) =>
        Kubectl.RunAsync(["exec", "--namespace", Space, pod, "--container", "redis", "--", "sh", "-c", script], Token);

    private static string LongestGapOfAShard(string written)
    {
        var times = written
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' '))
            .ToLookup(line => line[0], line => long.Parse(line[1], CultureInfo.InvariantCulture));
        Assert.Equal(3, times.Count);
        var (began, ended) = (times.Min(shard => shard.Min()), times.Max(shard => shard.Max()));
        var longest = times.Max(shard => shard.Prepend(began).Zip(shard.Append(ended), (one, next) => next - one).Max());
        return string.Create(CultureInfo.InvariantCulture, $"{longest / 1000.0:0.0} s in {(ended - began) / 1000.0:0} s");
    }

    private async Task<IReadOnlyList<string>> ReadRedisMastersAsync() =>
        [
            .. (await Kubectl.GetAsync(Region, Space, Token))["status"]!["redis"]!["nodes"]!
                .AsArray()
                .Where(node => (string?)node!["role"] == "Master")
                .Select(node => (string)node!["name"]!),
        ];

    private async Task ChangeImagesAsync(LinkWriter writer)
    {
        await ChangeImageAsync(writer, "redis", ClusterSettings.StoreRedis!.Value.Next, pod => !IsOfPostgres(pod));
        await ChangeImageAsync(writer, "postgres", ClusterSettings.StorePostgres!.Value.Next, IsOfPostgres);
    }

    private Task ChangeImageAsync(LinkWriter writer, string store, string image, Func<JsonNode, bool> isOfStore) =>
        MeasureAsync(
            writer,
            $"roll {store} to {image}",
            async () =>
            {
                await Kubectl.PatchAsync(Region, Space, $$"""{ "spec": { "{{store}}": { "image": "{{image}}" } } }""", Token);
                await UntilAsync(
                    async () => (await ReadStorePodsAsync()).Where(isOfStore).All(pod => ImageOf(pod) == image),
                    $"all pods of {store} run {image}",
                    DescribeAsync
                );
            }
        );

    // A primary on one of these nodes, by deleting the pods of those on others.
    private async Task<string> MovePrimaryToAsync(IReadOnlyList<string> nodes)
    {
        for (var attempt = 0; attempt < 6; attempt++)
        {
            var primary = await ReadPrimaryAsync();
            var node = (string?)(await Kubectl.GetAsync($"pod/{primary}", Space, Token))["spec"]!["nodeName"] ?? "";
            if (nodes.Contains(node))
                return node;
            await Kubectl.RunAsync($"delete pod {primary} --namespace {Space} --timeout=120s", Token);
            await UntilWholeAsync();
        }

        Assert.Fail($"The primary does not move to {string.Join(" or ", nodes)}.\n{await DescribeAsync()}");
        return "";
    }

    private async Task MeasureAsync(LinkWriter writer, string what, Func<Task> act)
    {
        var began = Stopwatch.GetTimestamp();
        await act();
        await UntilAsync(() => Task.FromResult(IsWriting(writer)), "links are created", DescribeAsync);
        var (gap, readGap) = (writer.LongestGapSince(began), writer.LongestGapOfRedirectsSince(began));
        await UntilWholeAsync();
        Tell(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{what}: {gap.TotalSeconds:0.0} s without a new link, {readGap.TotalSeconds:0.0} s without a redirect; all of it ready after {Seconds(began)}"
            )
        );
    }

    private static bool IsWriting(LinkWriter writer) => Stopwatch.GetElapsedTime(writer.LastAt) < TimeSpan.FromSeconds(1);

    private async Task UntilWholeAsync()
    {
        await Product.WaitUntilReadyAsync(Space);
        await UntilAsync(
            async () =>
            {
                var conditions = (await Kubectl.GetAsync(Region, Space, Token))["status"]!["conditions"]!.AsArray();
                return Is("PostgresDegraded", "False") && Is("SyncReplicationHealthy", "True") && Is("RedisReady", "True") && Is("RedisDegraded", "False");

                bool Is(string type, string status) =>
                    conditions.Any(condition => (string?)condition!["type"] == type && (string?)condition["status"] == status);
            },
            "nothing of the stores is missing",
            DescribeAsync,
            // A member that cannot follow is copied after 10.
            minutes: 20
        );
    }

    private string ReadSample()
    {
        var sample = File.ReadAllText(Checkout.PathOf(Sample));
        const string Small = "resources:\n      requests: { cpu: 50m, memory: 128Mi }\n      limits: { memory: 512Mi }";
        var text = sample
            .Replace("namespace: urlshortener\n", $"namespace: {Space}\n", StringComparison.Ordinal)
            .Replace("name: eu\n", $"name: {InstalledProduct.Region}\n", StringComparison.Ordinal)
            .Replace("  region: eu\n", "  region: eu\n  group: own-stores\n", StringComparison.Ordinal)
            .Replace(
                "image: localhost/url-shortener-runtime:0.1.0",
                $"image: {Product.Settings.RuntimeImage}\n    minReplicas: 2\n    maxReplicas: 2\n    settings: [{{ name: RateLimiting:Anonymous, value: \"100000\" }}]\n    "
                    + "resources:\n      requests: { cpu: 50m, memory: 128Mi }",
                StringComparison.Ordinal
            )
            .Replace(
                "image: localhost/url-shortener-postgres:17-0.1.0",
                $"image: {ClusterSettings.StorePostgres!.Value.Image}\n    {Small}",
                StringComparison.Ordinal
            )
            .Replace("image: localhost/url-shortener-redis:7-0.1.0", $"image: {ClusterSettings.StoreRedis!.Value.Image}", StringComparison.Ordinal)
            .Replace("maxMemory: 1Gi", "maxMemory: 64Mi", StringComparison.Ordinal)
            .Replace("cpu: 250m\n        memory: 2Gi", "cpu: 50m\n        memory: 128Mi", StringComparison.Ordinal)
            .Replace("memory: 2Gi", "memory: 256Mi", StringComparison.Ordinal)
            .Replace("size: 20Gi", "size: 1Gi\n      onDelete: Delete", StringComparison.Ordinal)
            .Replace("size: 4Gi", "size: 1Gi\n      onDelete: Delete", StringComparison.Ordinal);
        return text + "\n  kgs:\n    maxReplicas: 2\n";
    }

    private async Task<string> ReadPrimaryAsync() => (string)(await Kubectl.GetAsync(Region, Space, Token))["status"]!["postgres"]!["primary"]!;

    private async Task<IReadOnlyList<JsonNode>> ReadStorePodsAsync() =>
        [
            .. (await Kubectl.GetAsync("pods", Space, Token))["items"]!
                .AsArray()
                .Select(pod => pod!)
                .Where(pod => IsOfPostgres(pod) || (string?)pod["metadata"]!["labels"]?["app.kubernetes.io/component"] == "redis"),
        ];

    private static bool IsOfPostgres(JsonNode pod) => pod["metadata"]!["labels"]?[Postgres] is not null;

    private static string? NodeOf(JsonNode pod) => (string?)pod["spec"]!["nodeName"];

    private static string NameOf(JsonNode pod) => (string)pod["metadata"]!["name"]!;

    private static string? ImageOf(JsonNode pod) => (string?)pod["spec"]!["containers"]![0]!["image"];

    private static Task<string> RunToolAsync(string verb, string node) =>
        Tool.RunAsync([.. ClusterSettings.NodeTool!.Split(' '), verb, node], Path.GetTempPath(), ToolLimit, CancellationToken.None);

    private async Task<string> DescribeAsync() =>
        string.Join(
            '\n',
            await Product.DescribeAsync(Space),
            await Kubectl.TryAsync($"get {Region} --namespace {Space} --output jsonpath={{.status}}", Token),
            await Kubectl.TryAsync($"get poddisruptionbudgets --namespace {Space}", Token),
            await Kubectl.TryAsync($"logs --namespace {Space} --selector {Postgres} --tail=60 --prefix", Token)
        );

    private void Tell(string text) => output.WriteLine(text);

    private static string Seconds(long began) => string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(began).TotalSeconds:0} s");
}
