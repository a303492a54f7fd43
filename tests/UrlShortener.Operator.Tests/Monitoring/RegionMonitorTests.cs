using System.Text.Json.Nodes;
using k8s;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Tests.Regions;
using UrlShortener.TestHarness.Monitoring;
using UrlShortener.TestHarness.Product;
using Xunit;

namespace UrlShortener.Operator.Tests.Monitoring;

/// <summary><c>spec.monitoring</c> of a region, at an API server of its own, because prometheus-operator's kinds come and go.</summary>
public sealed class RegionMonitorTests : IAsyncLifetime
{
    private const string Definition = "podmonitors.monitoring.coreos.com";
    private const string Enabled = """
        { "monitoring": { "podMonitor": { "enabled": true, "labels": { "release": "kube-prometheus-stack" }, "intervalSeconds": 5 } } }
        """;

    private readonly ApiServerFixture _apiServer = new();
    private readonly TestFolder _folder = new();
    private RegionLab? _lab;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private RegionLab Lab => _lab!;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_lab is not null)
            await _lab.DisposeAsync();
        await _apiServer.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task PodMonitor_OfAKindThatComesAndGoes_IsMadeRepairedAndDeleted()
    {
        // Every region reconciles each second, so that the test need not wait for the interval of a region that is ready.
        _lab = await RegionLab.StartWithFakePodsAsync(_apiServer, options => options.Resync = TimeSpan.FromSeconds(1));
        await Lab.Client.CreateAsync(Lab.Region(patch: Enabled));

        // Without the kind: the condition says so, and everything else goes on.
        var missing = await Lab.UntilAsync(ConditionTypes.Monitored, "False", reason: Reasons.KindNotServed);
        Assert.StartsWith("The cluster does not serve PodMonitor (monitoring.coreos.com/v1).", missing.Message, StringComparison.Ordinal);
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        Assert.Equal("False", await StatusOfAsync(ConditionTypes.Stalled));
        await Eventually.HoldsAsync(async () => (await ReadEventsAsync()).Contains(("Warning", Reasons.KindNotServed)), "an event tells of it");
        Assert.DoesNotContain(await ReadEventsAsync(), entry => entry.Reason == Reasons.ApplyRefused);

        // The kind appears.
        var file = PrometheusOperator.FileOrSkip("podmonitors");
        await Lab.Cluster.RunKubectlAsync(["apply", "--server-side", "-f", file], Token);
        await Lab.UntilAsync(ConditionTypes.Monitored, "True");
        var made = await UntilAsync(_ => true, "it is made");
        Assert.Equal("kube-prometheus-stack", (string?)made["metadata"]!["labels"]!["release"]);
        Assert.Equal("eu", (string?)made["metadata"]!["labels"]!["urlshortener.dev/region"]);
        var owner = Assert.Single(made["metadata"]!["ownerReferences"]!.AsArray())!;
        Assert.Equal((V1Alpha1ShortenerRegion.KubeKind, "eu", true), ((string?)owner["kind"], (string?)owner["name"], (bool?)owner["controller"]));
        var endpoint = Assert.Single(made["spec"]!["podMetricsEndpoints"]!.AsArray())!;
        Assert.Equal(("management", "5s", "5s"), ((string?)endpoint["port"], (string?)endpoint["interval"], (string?)endpoint["scrapeTimeout"]));

        // Edits that would blind the alerts are reverted; a limit of the administrator stays.
        var spec = made["spec"]!.ToJsonString();
        await PatchAsync(
            """
            {
              "metadata": { "labels": { "release": null } },
              "spec": {
                "jobLabel": "app",
                "sampleLimit": 5000,
                "selector": { "matchLabels": { "version": "v2" }, "matchExpressions": [{ "key": "version", "operator": "Exists" }] },
                "podMetricsEndpoints": [
                  { "port": "http", "path": "/" },
                  { "port": "management", "path": "/metrics", "interval": "5s", "metricRelabelings": [{ "action": "drop", "regex": "shortener_.*" }] }
                ]
              }
            }
            """
        );
        var repaired = await UntilAsync(monitor => monitor["metadata"]!["labels"]!["release"] is not null && SpecOf(monitor) == spec, "it is repaired");
        Assert.Equal(5000, (int?)repaired["spec"]!["sampleLimit"]);
        // What does not concern it does not write it. A repair may have one more write, which is done when a later change is.
        var settled = await ReadVersionAsync(maxReplicas: 8);
        Assert.Equal(settled, await ReadVersionAsync(maxReplicas: 9));
        await Lab.Cluster.RunKubectlAsync(["delete", "podmonitor", "eu-pods", "--namespace", Lab.Namespace], Token);
        await UntilAsync(monitor => (string?)monitor["metadata"]!["uid"] != (string?)made["metadata"]!["uid"], "it is made again");

        // The specification changes.
        await Lab.PatchAsync("""{ "monitoring": { "podMonitor": { "labels": { "release": null, "team": "links" } } } }""");
        await UntilAsync(
            monitor => monitor["metadata"]!["labels"] is { } labels && (string?)labels["team"] == "links" && labels["release"] is null,
            "it has the other label"
        );
        await Lab.PatchAsync("""{ "monitoring": { "podMonitor": { "enabled": false } } }""");
        await Eventually.HoldsAsync(async () => await ListAsync() is [], "it is deleted");
        await Eventually.HoldsAsync(async () => await StatusOfAsync(ConditionTypes.Monitored) is null, "nothing is said about it any more");

        // Somebody else's PodMonitor has its name. The region serves all the same.
        await Lab.Cluster.RunKubectlAsync(["create", "--namespace", Lab.Namespace, "-f", Foreign()], Token);
        await Lab.PatchAsync("""{ "monitoring": { "podMonitor": { "enabled": true } } }""");
        await Lab.UntilAsync(ConditionTypes.Monitored, "False", reason: Reasons.NameTaken);
        Assert.Equal(("True", "False"), (await StatusOfAsync(ConditionTypes.Ready), await StatusOfAsync(ConditionTypes.Stalled)));
        await Lab.Cluster.RunKubectlAsync(["delete", "podmonitor", "eu-pods", "--namespace", Lab.Namespace], Token);
        await Lab.UntilAsync(ConditionTypes.Monitored, "True");
        await UntilAsync(monitor => monitor["metadata"]!["ownerReferences"] is not null, "it is made again");

        // The kind goes, and comes back.
        await Lab.Cluster.RunKubectlAsync(["delete", "customresourcedefinition", Definition], Token);
        await Lab.UntilAsync(ConditionTypes.Monitored, "False", reason: Reasons.KindNotServed);
        Assert.Equal(("True", "False"), (await StatusOfAsync(ConditionTypes.Ready), await StatusOfAsync(ConditionTypes.Stalled)));
        await Lab.Cluster.RunKubectlAsync(["apply", "--server-side", "-f", file], Token);
        await Lab.UntilAsync(ConditionTypes.Monitored, "True");
        await UntilAsync(_ => true, "it is made again");
    }

    private async Task<string?> ReadVersionAsync(int maxReplicas)
    {
        await Lab.PatchAsync($$"""{ "app": { "maxReplicas": {{maxReplicas}} } }""");
        await Lab.UntilAsync(ConditionTypes.Monitored, "True");
        return (string?)(await UntilAsync(_ => true, "it is there"))["metadata"]!["resourceVersion"];
    }

    private string Foreign()
    {
        var path = _folder.PathOf("foreign.yaml");
        File.WriteAllText(path, "{apiVersion: monitoring.coreos.com/v1, kind: PodMonitor, metadata: {name: eu-pods}, spec: {selector: {}}}");
        return path;
    }

    private async Task<string?> StatusOfAsync(string type) =>
        (await Lab.ReadAsync()).Status?.Conditions?.FirstOrDefault(condition => condition.Type == type)?.Status;

    private async Task<IReadOnlyList<(string Type, string Reason)>> ReadEventsAsync() =>
        [.. (await Lab.Client.EventsV1.ListNamespacedEventAsync(Lab.Namespace, cancellationToken: Token)).Items.Select(entry => (entry.Type, entry.Reason))];

    private async Task<JsonArray> ListAsync() =>
        JsonNode.Parse(await Lab.Cluster.RunKubectlAsync(["get", "podmonitors", "--namespace", Lab.Namespace, "--output", "json"], Token))!["items"]!.AsArray();

    private async Task<JsonNode> UntilAsync(Func<JsonNode, bool> condition, string what)
    {
        JsonNode? found = null;
        await Eventually.HoldsAsync(
            async () => await ListAsync() is [{ } monitor] && (string?)(found = monitor)["metadata"]!["name"] == "eu-pods" && condition(monitor),
            () => $"{what}: {found?.ToJsonString()}"
        );
        return found!;
    }

    private Task<string> PatchAsync(string patch) =>
        Lab.Cluster.RunKubectlAsync(["patch", "podmonitor", "eu-pods", "--namespace", Lab.Namespace, "--type", "merge", "--patch", patch], Token);

    private static string SpecOf(JsonNode monitor)
    {
        var spec = monitor["spec"]!.DeepClone().AsObject();
        spec.Remove("sampleLimit");
        return spec.ToJsonString();
    }
}
