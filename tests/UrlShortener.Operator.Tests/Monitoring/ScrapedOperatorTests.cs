using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Regions;
using UrlShortener.Operator.Tests.Installation;
using UrlShortener.Operator.Tests.Regions;
using UrlShortener.TestHarness.Metrics;
using UrlShortener.TestHarness.Monitoring;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Monitoring;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Monitoring;

/// <summary>
/// A Prometheus with the rules of config/monitoring that scrapes the operator's process and, through two PodMonitors, the pods of a region: the one of
/// config/monitoring and the one that the operator makes.
/// </summary>
public sealed partial class ScrapedOperatorTests(ApiServerFixture apiServer, StoresFixture stores)
{
    private const string System = "urlshortener-system";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static IReadOnlyList<string> RuleFiles => Directory.GetFiles(Checkout.PathOf("config", "monitoring", "rules"), "*.yaml");

    [Fact]
    public async Task Prometheus_ThatScrapesARegion_AnswersEveryQueryAboutTheOperator()
    {
        await using var lab = await RegionLab.StartAsync(apiServer, stores, hasOperator: false);
        var port = Ports.Take();
        await using var program = await StartOperatorAsync(lab, port);
        await using var webhook = await SilentWebhook.InstallAsync(lab);
        await CreateRegionAsync(lab);
        await lab.UntilAsync(ConditionTypes.Ready, "True");
        var pods = await ReadPodsAsync(lab);
        var monitor = JsonNode.Parse(KubernetesJson.Serialize(PodMonitorResources.BuildPodMonitor(await lab.ReadAsync())))!;
        await using var server = await Availability.OrSkipAsync(
            PrometheusServer.StartAsync(Configuration(lab, port, monitor, pods), RuleFiles.ToDictionary(Name, File.ReadAllText), Token)
        );
        using var prometheus = new PrometheusApi(server.Address);

        await AssertBothMonitorsGiveTheSameTargetsAsync(prometheus, lab.Namespace);
        await AssertAllAnswerAsync(
            prometheus,
            [
                .. DashboardFiles
                    .ReadQueries()
                    .Where(query => query is { IsOfOperator: true, IsOfStores: false })
                    .Select(query => (query.ToString(), query.ForAll)),
                .. NamesInRules().Select(name => ($"rules: {name}", $"{{__name__=~\"{name}(_bucket|_total)?\"}}")),
            ]
        );
        Assert.Empty(await prometheus.ReadRuleErrorsAsync());
        // Also with the series of objects, which a process without regions does not have.
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        new MetricsPage().Check(await http.GetStringAsync("/metrics", Token), region: null, "Operator");
        // What happened in the run is seen.
        await HasAsync(prometheus, "shortener_operator_writes_total{outcome=\"refused\"} > 0");
        await HasAsync(prometheus, "leader_election_master_status == 1");
        await HasAsync(prometheus, "object:shortener_keypool_available:max > 0");
        await HasAsync(prometheus, "object:shortener_region_schema:max{state=\"current\"} == 1");
        await lab.Client.CoreV1.PatchNamespacedServiceAsync(
            new V1Patch("""{ "spec": { "publishNotReadyAddresses": true } }""", V1Patch.PatchType.MergePatch),
            "eu-app",
            lab.Namespace,
            cancellationToken: Token
        );
        await Eventually.HoldsAsync(() => prometheus.FiresAsync("ShortenerEditsReverted", "kind=\"Service\""));
        await Eventually.HoldsAsync(() => prometheus.FiresAsync("ShortenerWebhookNotAnswering", "name=\"validate.urlshortener.dev\""));
        await Eventually.HoldsAsync(() => prometheus.FiresAsync("ShortenerWebhookNotAnswering", "name=\"validate-deletion.urlshortener.dev\""));
    }

    // Both scrape the same two pods of the app and one of the key generation service, into the same series: nothing counts twice.
    private static async Task AssertBothMonitorsGiveTheSameTargetsAsync(PrometheusApi prometheus, string space)
    {
        var pools = await Eventually.ReadAsync(
            async () => (await prometheus.ReadTargetsAsync()).Where(target => target.Pool.StartsWith("podMonitor/", StringComparison.Ordinal)).ToList(),
            targets => targets.Count == 6 && targets.All(target => target.Health == "up"),
            "each PodMonitor finds three pods, and Prometheus reads them"
        );
        var byPool = pools.ToLookup(target => target.Pool, target => target.Labels);
        Assert.Equal([$"podMonitor/{space}/eu-pods/0", $"podMonitor/{System}/url-shortener/0"], byPool.Select(pool => pool.Key).Order(StringComparer.Ordinal));
        var (own, shared) = (byPool[$"podMonitor/{space}/eu-pods/0"], byPool[$"podMonitor/{System}/url-shortener/0"]);
        Assert.Equal(shared.Select(Text).Order(StringComparer.Ordinal), own.Select(Text).Order(StringComparer.Ordinal));
        Assert.All(own, labels => Assert.Equal(["container", "endpoint", "instance", "job", "namespace", "pod"], labels.Keys.Order(StringComparer.Ordinal)));
        Assert.All(own, labels => Assert.Equal(("url-shortener", space), (labels["job"], labels["namespace"])));
        await Eventually.HoldsAsync(async () =>
            await prometheus.QueryAsync("count by (namespace, region) (shortener_build_info{role=~\"app|kgs\"})") is [(var labels, 3)]
            && labels["namespace"] == space
            && labels["region"] == "eu"
        );
    }

    private static async Task AssertAllAnswerAsync(PrometheusApi prometheus, IReadOnlyList<(string Name, string Expression)> queries)
    {
        Assert.True(queries.Count > 60, $"{queries.Count} queries are fewer than there are.");
        var silent = queries;
        await Eventually.HoldsAsync(
            async () =>
            {
                var left = new List<(string, string)>();
                foreach (var query in silent)
                {
                    if ((await prometheus.QueryAsync(query.Expression)).Count == 0)
                        left.Add(query);
                }

                return (silent = left).Count == 0;
            },
            () => $"series for\n{string.Join('\n', silent.Select(query => $"{query.Name}: {query.Expression}"))}"
        );
    }

    private static Task HasAsync(PrometheusApi prometheus, string expression) =>
        Eventually.HoldsAsync(async () => (await prometheus.QueryAsync(expression)).Count > 0, expression);

    // Metrics of the operator, and what is recorded of them.
    private static IEnumerable<string> NamesInRules()
    {
        var text = string.Join('\n', RuleFiles.Select(File.ReadAllText));
        // Only a region has them whose PostgreSQL or Redis the operator runs, that votes, that publishes where its visitors go, that has a
        // ClickHouse, or of another cluster.
        string[] ofStores =
        [
            "shortener_redis_",
            "shortener_postgres_cluster_",
            "shortener_postgres_standby_",
            "shortener_postgres_backup_",
            "shortener_postgres_rehearsal_",
            "shortener_region_epoch",
            "shortener_region_phase",
            "shortener_region_voters",
            "shortener_region_cluster_",
            "shortener_region_failover_",
            "shortener_region_move_",
            "shortener_region_loaders",
            "shortener_traffic_",
        ];
        var metrics = new MetricsPage().NamesOf("Operator").Where(name => Regex.IsMatch(text, $@"\b{name}(_bucket|_sum|_count)?\b"));
        return metrics
            .Concat(Recorded().Matches(text).Select(match => match.Groups[1].Value))
            .Where(name => !ofStores.Any(prefix => name.Contains(prefix, StringComparison.Ordinal)))
            .Distinct();
    }

    private static Task<OperatorProgram> StartOperatorAsync(RegionLab lab, int port) =>
        OperatorProgram.StartAsync(
            new Dictionary<string, string>
            {
                ["KUBECONFIG"] = lab.Cluster.Kubeconfig,
                ["Operator:Namespaces"] = lab.Namespace,
                ["Operator:Port"] = port.ToString(CultureInfo.InvariantCulture),
                ["Operator:LeaderElection:Namespace"] = lab.Namespace,
                ["Operator:Webhooks:Namespace"] = lab.Namespace,
                ["Operator:Webhooks:ConfigurationName"] = lab.Namespace,
                ["Operator:Webhooks:Port"] = Ports.Take().ToString(CultureInfo.InvariantCulture),
            },
            Token
        );

    // A policy refuses one of its objects at first.
    private static async Task CreateRegionAsync(RegionLab lab)
    {
        await using var policy = await ClusterPolicy.DenyAsync(
            lab.Client,
            lab.Namespace,
            "policy",
            "poddisruptionbudgets",
            "Not today.",
            () =>
                lab.Client.PolicyV1.CreateNamespacedPodDisruptionBudgetAsync(
                    new V1PodDisruptionBudget
                    {
                        Metadata = new V1ObjectMeta { Name = "probe" },
                        Spec = new V1PodDisruptionBudgetSpec(),
                    },
                    lab.Namespace,
                    dryRun: "All",
                    cancellationToken: Token
                )
        );
        await lab.Client.CreateAsync(lab.Region());
        await lab.Client.CreateAsync(
            SpecJson.Object(
                V1Alpha1KeyPool.KubeKind,
                lab.Namespace,
                "keys",
                JsonNode.Parse(
                    """
                    {
                      "regionRef": { "name": "eu" }, "targetAvailable": 3000, "lowWatermark": 2000, "criticalWatermark": 1000, "batchSize": 500,
                      "maxParallelBatches": 1, "leaseBlockSize": 100, "kgs": { "minReplicas": 1, "maxReplicas": 1 }
                    }
                    """
                )!
            )
        );
        await lab.UntilAsync(ConditionTypes.Stalled, "True", reason: Reasons.ApplyRefused);
    }

    // Two pods of the app and one of the key generation service that serve. The pod of the migration has ended.
    private static Task<IReadOnlyList<V1Pod>> ReadPodsAsync(RegionLab lab) =>
        Eventually.ReadAsync(
            async () => (IReadOnlyList<V1Pod>)[.. (await lab.Client.CoreV1.ListNamespacedPodAsync(lab.Namespace, cancellationToken: Token)).Items],
            pods => pods.Count(pod => pod.Status.Conditions?.Any(condition => condition is { Type: "Ready", Status: "True" }) == true) == 3,
            "three pods serve"
        );

    // YAML has JSON in it.
    private static string Configuration(RegionLab lab, int port, JsonNode monitor, IReadOnlyList<V1Pod> pods)
    {
        var shared = ManifestFile.Read("config/monitoring/podmonitors.yaml").Single(one => (string)one["metadata"]!["name"]! == "url-shortener");
        var program = new JsonObject
        {
            ["job_name"] = "url-shortener-operator",
            ["static_configs"] = new JsonArray(
                new JsonObject
                {
                    ["targets"] = new JsonArray($"127.0.0.1:{port}"),
                    ["labels"] = new JsonObject
                    {
                        ["namespace"] = System,
                        ["pod"] = "shortener-operator-1",
                        ["container"] = "operator",
                        ["endpoint"] = "http",
                    },
                }
            ),
        };
        var server = new JsonObject
        {
            ["job_name"] = "apiserver",
            // A page of many megabytes, from a server that other tests use at the same time.
            ["scrape_interval"] = "10s",
            ["scrape_timeout"] = "10s",
            ["scheme"] = "https",
            ["authorization"] = new JsonObject { ["credentials"] = lab.Cluster.AdminToken },
            ["tls_config"] = new JsonObject { ["insecure_skip_verify"] = true },
            ["static_configs"] = new JsonArray(new JsonObject { ["targets"] = new JsonArray(lab.Cluster.Address.Authority) }),
            ["metric_relabel_configs"] = new JsonArray(
                new JsonObject
                {
                    ["action"] = "keep",
                    ["source_labels"] = new JsonArray("__name__"),
                    ["regex"] = "apiserver_admission_webhook_.*_count",
                }
            ),
        };
        return new JsonObject
        {
            ["global"] = new JsonObject
            {
                ["scrape_interval"] = "2s",
                ["scrape_timeout"] = "2s",
                ["evaluation_interval"] = "1s",
            },
            ["rule_files"] = new JsonArray("rules/*.yaml"),
            ["scrape_configs"] = new JsonArray(program, server, ScrapeJob.Of(shared, System, pods), ScrapeJob.Of(monitor, lab.Namespace, pods)),
        }.ToJsonString();
    }

    private static string Name(string path) => Path.GetFileName(path);

    private static string Text(IReadOnlyDictionary<string, string> labels) =>
        string.Join(',', labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}"));

    [GeneratedRegex(@"record: (object:\S+)")]
    private static partial Regex Recorded();
}
