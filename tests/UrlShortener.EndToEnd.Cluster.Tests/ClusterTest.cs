using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>One installation for all tests, one after another.</summary>
[CollectionDefinition(nameof(Cluster))]
public sealed class Cluster : ICollectionFixture<InstalledProduct>;

/// <summary>What tests of the installed product share.</summary>
/// <param name="product">The installation.</param>
[Collection(nameof(Cluster))]
public abstract class ClusterTest(InstalledProduct product)
{
    protected const string Region = $"shortenerregion/{InstalledProduct.Region}";
    protected const string App = $"deployment/{InstalledProduct.Region}-app";
    protected const string AppPods = $"app.kubernetes.io/component=app,app.kubernetes.io/instance={InstalledProduct.Region}";

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    protected InstalledProduct Product => product;

    private protected Kubectl Kubectl => product.Kubectl;

    private protected async Task<Visitors> StartVisitorsAsync()
    {
        var (connect, path) = await OpenLinkAsync();
        return Visitors.Come(connect, path, Token);
    }

    // Makes a link of a region that is ready.
    private protected async Task<(Func<HttpClient> Connect, string Path)> OpenLinkAsync()
    {
        await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);
        var connect = await Product.Access.OpenAsync(InstalledProduct.Namespace);
        using var http = connect();
        return (connect, await CreateLinkAsync(http));
    }

    private protected async Task AssertAllRedirectedAsync(Visitors visitors)
    {
        var failures = await visitors.StopAsync();
        if (failures.Count > 0)
            Assert.Fail(
                $"{failures.Count} redirects failed, {visitors.Redirects} did not: {string.Join('\n', failures)}\n{await Product.DescribeAsync(InstalledProduct.Namespace)}\n{await Kubectl.TryAsync($"logs --namespace {InstalledProduct.Namespace} --selector {AppPods} --tail=40 --prefix", Token)}"
            );
        Assert.True(visitors.Redirects > 100, $"{visitors.Redirects} redirects are too few to tell.");
    }

    /// <summary>
    /// Runs a step with three pods and no more. An autoscaler that adds pods would hide that lost ones are replaced, and pods that start take so much processor time of
    /// a small machine that it adds more of them: three became nine in a rolling update on two processors.
    /// </summary>
    protected async Task WithFixedSizeAsync(Func<Task> step)
    {
        Product.AssertInstalled();
        try
        {
            await BoundAsync("3");
            await UntilAsync(async () => await CountReadyAsync() == 3 && await CountPodsAsync() == 3, "three pods serve, and no others are left");
            await step();
        }
        finally
        {
            await BoundAsync("null");
        }

        Task BoundAsync(string pods) =>
            Kubectl.PatchAsync(
                Region,
                InstalledProduct.Namespace,
                $$"""{ "spec": { "app": { "minReplicas": {{pods}}, "maxReplicas": {{pods}} } } }""",
                CancellationToken.None
            );
    }

    protected async Task RollAsync(string image)
    {
        await Kubectl.PatchAsync(Region, InstalledProduct.Namespace, $$""" { "spec": { "app": { "image": "{{image}}" } } } """, Token);
        await UntilAsync(
            async () =>
            {
                var app = await Kubectl.GetAsync(App, InstalledProduct.Namespace, Token);
                var replicas = (int?)app["status"]!["replicas"];
                return (string?)app["spec"]!["template"]!["spec"]!["containers"]![0]!["image"] == image
                    && (long?)app["status"]!["observedGeneration"] == (long?)app["metadata"]!["generation"]
                    && (int?)app["status"]!["updatedReplicas"] == replicas
                    && (int?)app["status"]!["availableReplicas"] == replicas;
            },
            $"all pods run {image}"
        );
        await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);
    }

    protected async Task<int> CountReadyAsync() => (int?)(await Kubectl.GetAsync(App, InstalledProduct.Namespace, Token))["status"]!["readyReplicas"] ?? 0;

    protected async Task<int> CountPodsAsync() =>
        (await Kubectl.GetAsync("pods", InstalledProduct.Namespace, Token))["items"]!
            .AsArray()
            .Count(pod => (string?)pod!["metadata"]!["labels"]!["app.kubernetes.io/component"] == "app");

    protected static async Task<string> CreateLinkAsync(HttpClient http)
    {
        using var content = new StringContent("""{"original_url":"https://example.com/"}""", Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(new Uri("api/v1/urls", UriKind.Relative), content, Token);
        var body = await response.Content.ReadAsStringAsync(Token);
        Assert.True(response.StatusCode == HttpStatusCode.Created, body);
        return (string)JsonNode.Parse(body)!["short_code"]!;
    }

    protected async Task UntilAsync(Func<Task<bool>> holds, string what, Func<Task<string>>? explain = null, int minutes = 4)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromMinutes(minutes))
                Assert.Fail(
                    $"Not within {minutes} minutes: {what}\n{(explain is null ? "" : await explain())}\n{await Product.DescribeAsync(InstalledProduct.Namespace)}"
                );
            await Task.Delay(500, Token);
        }
    }
}
