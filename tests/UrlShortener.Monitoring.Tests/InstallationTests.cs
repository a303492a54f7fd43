using System.Text.Json;
using UrlShortener.TestHarness.Monitoring;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Kubernetes;
using Xunit;

namespace UrlShortener.Monitoring.Tests;

/// <summary><c>kubectl apply -k config/monitoring</c> at a real API server, with the kinds of prometheus-operator and without.</summary>
public sealed class InstallationTests
{
    private const string System = "urlshortener-system";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Applied_WithoutTheKinds_SaysWhichAreMissing_WithThem_InstallsAll()
    {
        await using var cluster = await StartAsync();
        await cluster.RunKubectlAsync(["create", "namespace", System], Token);
        await cluster.RunKubectlAsync(["create", "namespace", "shop"], Token);

        var refusal = await RefuseAsync(cluster, "-k", Monitoring.PathOf(""));
        Assert.Contains("no matches for kind \"PrometheusRule\"", refusal, StringComparison.Ordinal);
        Assert.Contains("no matches for kind \"AlertmanagerConfig\"", refusal, StringComparison.Ordinal);
        // Alone, because of a long output only the end is kept.
        Assert.Contains(
            "no matches for kind \"PodMonitor\"",
            await RefuseAsync(cluster, "-f", Monitoring.PathOf("podmonitors.yaml")),
            StringComparison.Ordinal
        );
        Assert.Equal(5, await CountAsync(cluster, "configmaps", System, "url-shortener-dashboard-"));

        var kinds = PrometheusOperator.FolderOrSkip();
        await cluster.RunKubectlAsync(["apply", "--server-side", "-f", kinds], Token);
        await Eventually.HoldsAsync(() => TryApplyAsync(cluster), "the new kinds are served");
        await cluster.RunKubectlAsync(["apply", "--namespace", "shop", "-k", Monitoring.PathOf("routes")], Token);

        Assert.Equal(2, await CountAsync(cluster, "podmonitors", System, "url-shortener"));
        Assert.Equal(Monitoring.RuleFiles.Count, await CountAsync(cluster, "prometheusrules", System, "url-shortener-"));
        Assert.Equal(1, await CountAsync(cluster, "alertmanagerconfigs", System, "url-shortener"));
        Assert.Equal(1, await CountAsync(cluster, "alertmanagerconfigs", "shop", "url-shortener"));
        // A second time changes nothing.
        Assert.DoesNotContain("configured", await cluster.RunKubectlAsync(["apply", "-k", Monitoring.PathOf("")], Token), StringComparison.Ordinal);
    }

    private static async Task<string> RefuseAsync(KubernetesCluster cluster, params string[] what)
    {
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => cluster.RunKubectlAsync(["apply", .. what], Token));
        return refusal.Message;
    }

    private static async Task<bool> TryApplyAsync(KubernetesCluster cluster)
    {
        try
        {
            await cluster.RunKubectlAsync(["apply", "-k", Monitoring.PathOf("")], Token);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static async Task<int> CountAsync(KubernetesCluster cluster, string kind, string space, string prefix)
    {
        using var list = JsonDocument.Parse(await cluster.RunKubectlAsync(["get", kind, "--namespace", space, "--output", "json"], Token));
        return list
            .RootElement.GetProperty("items")
            .EnumerateArray()
            .Count(item => item.GetProperty("metadata").GetProperty("name").GetString()!.StartsWith(prefix, StringComparison.Ordinal));
    }

    private static async Task<KubernetesCluster> StartAsync()
    {
        try
        {
            var cluster = await KubernetesCluster.StartAsync(new KubernetesClusterOptions(), Token);
            Assert.SkipUnless(cluster.IsLocal, "This test needs a control plane of local processes (KUBEBUILDER_ASSETS), with kubectl.");
            return cluster;
        }
        catch (ServerUnavailableException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }
}
