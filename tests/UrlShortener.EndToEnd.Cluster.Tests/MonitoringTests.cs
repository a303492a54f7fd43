using System.Net;
using System.Text.Json.Nodes;
using UrlShortener.TestServers;
using Xunit;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>What Prometheus finds in the cluster: metrics on a port of their own, and PodMonitors that select the pods.</summary>
public sealed class MonitoringTests(InstalledProduct product) : ClusterTest(product)
{
    private const string Kinds = "crd/podmonitors.monitoring.coreos.com";
    private const string RegionPods = $"urlshortener.dev/region={InstalledProduct.Region},app.kubernetes.io/component!=migrate";

    [Fact]
    public async Task Metrics_OfEachPod_AreOnTheManagementPortAlone()
    {
        Product.AssertInstalled();
        await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);

        using var http = (await Product.Access.OpenAsync(InstalledProduct.Namespace))();
        using var response = await http.GetAsync(new Uri("metrics", UriKind.Relative), Token);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.DoesNotContain("shortener_build_info", await response.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        var service = await Kubectl.GetAsync($"service/{ServiceAccess.ServiceName}", InstalledProduct.Namespace, Token);
        Assert.Equal("http", (string?)Assert.Single(service["spec"]!["ports"]!.AsArray())!["targetPort"]);

        await WithoutNetworkPoliciesAsync(async () =>
        {
            var pods = await ReadPodsAsync(RegionPods);
            Assert.Superset(new HashSet<string?> { "app", "kgs" }, pods.Select(ComponentOf).ToHashSet());
            foreach (var pod in pods)
            {
                var metrics = "";
                await UntilAsync(
                    async () => (metrics = await ScrapeAsync(pod)).Contains("shortener_build_info{", StringComparison.Ordinal),
                    $"{NameOf(pod)} serves its metrics",
                    () => Task.FromResult(metrics)
                );
                Assert.Contains($"region=\"{InstalledProduct.Region}\"", metrics, StringComparison.Ordinal);
                Assert.Contains($"role=\"{ComponentOf(pod)}\"", metrics, StringComparison.Ordinal);
            }
        });
    }

    [Fact]
    public async Task Monitoring_AppliedAndAskedForByTheRegion_SelectsThePods()
    {
        Product.AssertInstalled();
        var isServed = (await Kubectl.RunAsync($"get {Kinds} --ignore-not-found --output name", Token)).Length > 0;
        Assert.SkipUnless(
            isServed || ClusterSettings.PrometheusOperatorKinds is not null,
            "The cluster does not serve the kinds of prometheus-operator, and E2E_PROMETHEUS_OPERATOR_CRDS names no folder with their definitions (docs/operator.md)."
        );
        try
        {
            if (!isServed)
            {
                await Kubectl.RunAsync(["apply", "--server-side", "--filename", ClusterSettings.PrometheusOperatorKinds!], Token);
                // kubectl refuses to wait for a definition that has no conditions yet.
                await UntilAsync(() => TryAsync("wait", "--for=condition=Established", Kinds, "--timeout=60s"), "the kinds are served");
            }

            await UntilAsync(() => TryAsync("apply", "-k", Checkout.PathOf("config/monitoring")), "config/monitoring is applied");
            var shared = await Kubectl.GetAsync("podmonitor/url-shortener", InstalledProduct.OperatorNamespace, Token);
            Assert.NotEmpty((await Kubectl.GetAsync("prometheusrules", InstalledProduct.OperatorNamespace, Token))["items"]!.AsArray());

            await MonitorAsync(isEnabled: true);
            await UntilAsync(async () => await StatusAsync("Monitored") == "True", "the region has its PodMonitor");
            var own = await Kubectl.GetAsync($"podmonitor/{InstalledProduct.Region}-pods", InstalledProduct.Namespace, Token);

            // Both select the same pods: those of the app and of the key generation service, and their port.
            var expected = (await ReadPodsAsync(RegionPods)).Select(NameOf).Order(StringComparer.Ordinal).ToList();
            foreach (var monitor in (JsonNode[])[shared, own])
            {
                var labels = string.Join(',', monitor["spec"]!["selector"]!["matchLabels"]!.AsObject().Select(label => $"{label.Key}={label.Value}"));
                var port = (string)Assert.Single(monitor["spec"]!["podMetricsEndpoints"]!.AsArray())!["port"]!;
                var targets = (await ReadPodsAsync(labels)).Where(pod => FindPort(pod, port) is not null).Select(NameOf).Order(StringComparer.Ordinal);
                Assert.Equal(expected, targets);
            }

            await MonitorAsync(isEnabled: false);
            await UntilAsync(
                async () => (await Kubectl.GetAsync("podmonitors", InstalledProduct.Namespace, Token))["items"]!.AsArray().Count == 0,
                "the PodMonitor is deleted"
            );
        }
        finally
        {
            await Kubectl.TryAsync(["delete", "-k", Checkout.PathOf("config/monitoring"), "--ignore-not-found"], CancellationToken.None);
            await MonitorAsync(isEnabled: false);
            if (!isServed)
                await Kubectl.TryAsync(["delete", "--ignore-not-found", "--filename", ClusterSettings.PrometheusOperatorKinds!], CancellationToken.None);
        }

        Assert.Equal("False", await StatusAsync("Stalled"));
    }

    // A cluster that enforces network policies keeps the API server, too, from the management port.
    private async Task WithoutNetworkPoliciesAsync(Func<Task> test)
    {
        try
        {
            await SetNetworkPolicyAsync(isEnabled: false);
            await test();
        }
        finally
        {
            await SetNetworkPolicyAsync(isEnabled: true);
        }
    }

    private async Task SetNetworkPolicyAsync(bool isEnabled)
    {
        await PatchAsync($$"""{ "app": { "networkPolicy": { "enabled": {{(isEnabled ? "true" : "false")}} } } }""");
        await UntilAsync(
            async () => (await Kubectl.GetAsync("networkpolicies", InstalledProduct.Namespace, Token))["items"]!.AsArray().Count == (isEnabled ? 2 : 0),
            "the network policies are as the region says"
        );
    }

    private Task MonitorAsync(bool isEnabled) => PatchAsync($$"""{ "monitoring": { "podMonitor": { "enabled": {{(isEnabled ? "true" : "false")}} } } }""");

    private Task PatchAsync(string spec) => Kubectl.PatchAsync(Region, InstalledProduct.Namespace, $$"""{ "spec": {{spec}} }""", CancellationToken.None);

    private async Task<string?> StatusAsync(string type) =>
        (await Kubectl.GetAsync(Region, InstalledProduct.Namespace, Token))["status"]!["conditions"]!
            .AsArray()
            .Where(condition => (string?)condition!["type"] == type)
            .Select(condition => (string?)condition!["status"])
            .FirstOrDefault();

    private Task<string> ScrapeAsync(JsonNode pod) =>
        Kubectl.TryAsync($"get --raw /api/v1/namespaces/{InstalledProduct.Namespace}/pods/{NameOf(pod)}:{FindPort(pod, "management")}/proxy/metrics", Token);

    private async Task<bool> TryAsync(params string[] arguments)
    {
        try
        {
            await Kubectl.RunAsync(arguments, Token);
            return true;
        }
        catch (InvalidOperationException)
        {
            // The server may not serve all of the new kinds yet.
            return false;
        }
    }

    private async Task<IReadOnlyList<JsonNode>> ReadPodsAsync(string selector) =>
        [
            .. (await Kubectl.GetAsync($"pods --selector {selector}", InstalledProduct.Namespace, Token))["items"]!
                .AsArray()
                .Select(pod => pod!)
                .Where(pod => pod["metadata"]!["deletionTimestamp"] is null && (string?)pod["status"]!["phase"] == "Running"),
        ];

    private static int? FindPort(JsonNode pod, string name) =>
        pod["spec"]!["containers"]!
            .AsArray()
            .SelectMany(container => container!["ports"]?.AsArray() ?? [])
            .Where(port => (string?)port!["name"] == name)
            .Select(port => (int?)port!["containerPort"])
            .FirstOrDefault();

    private static string? ComponentOf(JsonNode pod) => (string?)pod["metadata"]!["labels"]!["app.kubernetes.io/component"];

    private static string NameOf(JsonNode pod) => (string)pod["metadata"]!["name"]!;
}
