using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Xunit;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>A region and its key pool on a cluster with nodes, real pods and real Services, worked with by kubectl alone.</summary>
public sealed class ClusterTests(InstalledProduct product) : ClusterTest(product)
{
    [Fact]
    public async Task Region_Ready_CreatesLinksAndFollowsThem()
    {
        Product.AssertInstalled();

        using var http = (await Product.Access.OpenAsync(InstalledProduct.Namespace))();
        var path = await CreateLinkAsync(http);
        using var response = await http.GetAsync(new Uri(path, UriKind.Relative), Token);

        Assert.Equal((HttpStatusCode.Found, "https://example.com/"), (response.StatusCode, response.Headers.Location?.OriginalString));
    }

    // As docs/first-region.md says.
    [Fact]
    public async Task User_CreatedInAPod_GetsAKey()
    {
        Product.AssertInstalled();

        var answer = await Kubectl.RunAsync(
            $"exec --namespace {InstalledProduct.Namespace} {App} -- dotnet UrlShortener.Runtime.dll users create --email you@example.com --tier pro",
            Token
        );

        Assert.Contains("usk_", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Resources_Listed_TellWhatThereIs()
    {
        Product.AssertInstalled();

        var regions = await Kubectl.RunAsync($"get shortenerregions --namespace {InstalledProduct.Namespace}", Token);
        var pools = await Kubectl.RunAsync($"get keypools --namespace {InstalledProduct.Namespace}", Token);
        var explained = await Kubectl.RunAsync("explain shortenerregion.spec.app.minReplicas", Token);

        Assert.Matches(@"\bREADY\b", regions);
        Assert.Matches(@"\bPrimary\b.*\bTrue\b", regions);
        Assert.Matches(@"\bTrue\b", pools);
        Assert.Contains("kubectl scale", explained, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Specification_Wrong_IsRefusedByItsFieldsName()
    {
        Product.AssertInstalled();

        var answer = await Kubectl.TryAsync(
            [
                "patch",
                Region,
                "--namespace",
                InstalledProduct.Namespace,
                "--type",
                "merge",
                "--patch",
                """{"spec":{"app":{"minReplicas":9,"maxReplicas":4}}}""",
            ],
            Token
        );

        // The schema's rule on newer servers, the webhook's words on others.
        Assert.Contains("minReplicas", answer, StringComparison.Ordinal);
        Assert.Contains("maxReplicas", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Region_Scaled_HasThatManyPods()
    {
        Product.AssertInstalled();

        // An autoscaler with metrics may want more than that.
        await Kubectl.RunAsync($"scale {Region} --namespace {InstalledProduct.Namespace} --replicas=4", Token);
        await UntilAsync(async () => await CountReadyAsync() >= 4, "four pods serve");
        await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);

        // Downwards by the upper bound: an autoscaler without metrics takes none away.
        await Kubectl.PatchAsync(Region, InstalledProduct.Namespace, """{"spec":{"app":{"minReplicas":3,"maxReplicas":3}}}""", Token);
        await UntilAsync(async () => await CountReadyAsync() == 3 && await CountPodsAsync() == 3, "three pods serve, and no others are left");
        await Kubectl.PatchAsync(Region, InstalledProduct.Namespace, """{"spec":{"app":{"maxReplicas":null}}}""", Token);
        await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);
    }

    [Fact]
    public Task Image_Changed_RollsUnderLoadWithoutAFailedRedirect() =>
        WithFixedSizeAsync(async () =>
        {
            await using var visitors = await StartVisitorsAsync();

            await RollAsync(Product.Settings.NextRuntimeImage);
            await RollAsync(Product.Settings.RuntimeImage);

            await AssertAllRedirectedAsync(visitors);
        });

    [Fact]
    public Task Pods_DeletedOneByOneUnderLoad_NoRedirectFails() =>
        WithFixedSizeAsync(async () =>
        {
            await using var visitors = await StartVisitorsAsync();

            var pods = await Kubectl.RunAsync($"get pods --namespace {InstalledProduct.Namespace} --selector {AppPods} --output name", Token);
            foreach (var pod in pods.Split('\n'))
            {
                await Kubectl.RunAsync($"delete {pod.Trim()} --namespace {InstalledProduct.Namespace}", Token);
                await Kubectl.RunAsync($"rollout status {App} --namespace {InstalledProduct.Namespace} --timeout=120s", Token);
            }

            await AssertAllRedirectedAsync(visitors);
        });

    [Fact]
    public async Task Pods_AllDeleted_ServeAgain()
    {
        Product.AssertInstalled();

        await Kubectl.RunAsync($"delete pods --all --namespace {InstalledProduct.Namespace} --force --grace-period=0", Token);
        await UntilAsync(async () => await CountReadyAsync() >= 3, "three pods serve");
        await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);

        using var http = (await Product.Access.OpenAsync(InstalledProduct.Namespace))();
        await CreateLinkAsync(http);
    }

    [Fact]
    public Task Operator_PodsDeleted_RegionIsUntouchedAndChangesAreActedOn() =>
        WithFixedSizeAsync(async () =>
        {
            await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);
            var path = $"/apis/apps/v1/namespaces/{InstalledProduct.Namespace}/deployments/{InstalledProduct.Region}-app";
            var before = await Kubectl.GetRawAsync(path, Token);

            await Kubectl.RunAsync($"delete pods --all --namespace {InstalledProduct.OperatorNamespace} --force --grace-period=0", Token);
            await Kubectl.RunAsync($"rollout status deployment/shortener-operator --namespace {InstalledProduct.OperatorNamespace} --timeout=180s", Token);
            // The status alone shows this change. Once it does, there is a leader, which has handled everything before the change.
            await Kubectl.PatchAsync(Region, InstalledProduct.Namespace, """{"spec":{"failover":{"priority":7}}}""", Token);
            await UntilAsync(
                async () =>
                    await Kubectl.GetAsync(Region, InstalledProduct.Namespace, Token) is var region
                    && (int?)region["spec"]?["failover"]?["priority"] == 7
                    && (long?)region["status"]?["observedGeneration"] == (long?)region["metadata"]?["generation"],
                "the status describes the new generation"
            );

            var after = await Kubectl.GetRawAsync(path, Token);
            Assert.Equal((int)before["metadata"]!["generation"]!, (int)after["metadata"]!["generation"]!);
            Assert.Equal(WritesOfOperator(before), WritesOfOperator(after));

            // Who wrote, and when: the Deployment's own controller writes its status meanwhile.
            static IEnumerable<string> WritesOfOperator(JsonNode app) =>
                app["metadata"]!["managedFields"]!
                    .AsArray()
                    .Where(entry => (string?)entry!["manager"] != "kube-controller-manager")
                    .Select(entry => entry!.ToJsonString());
        });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Namespace_Deleted_IsGoneWithinAMinute(bool isInTrouble)
    {
        Product.AssertInstalled();
        const string Space = "urlshortener-e2e-other";
        await Kubectl.RunAsync($"create namespace {Space}", Token);
        try
        {
            await Product.ApplyOverlayAsync([InstalledProduct.Namespace, Space], Token);
            var database = isInTrouble ? "trouble" : "other";
            await Product.CreateDatabaseAsync(database);
            await Product.CreateRegionAsync(Space, "other", database, isInTrouble ? 2 : 1);
            if (isInTrouble)
                await BreakAsync(Space);

            var started = Stopwatch.GetTimestamp();
            await Kubectl.RunAsync($"delete namespace {Space} --timeout=120s", Token);
            Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(60));
        }
        finally
        {
            await Kubectl.TryAsync($"delete namespace {Space} --ignore-not-found --timeout=120s", CancellationToken.None);
            await Product.ApplyOverlayAsync([InstalledProduct.Namespace], CancellationToken.None);
        }
    }

    // An image that cannot be pulled, and pods that were lost and cannot be replaced: their nodes and their controllers are busy with them.
    private async Task BreakAsync(string space)
    {
        await Kubectl.PatchAsync(Region, space, $$"""{ "spec": { "app": { "image": "{{Product.Settings.RuntimeImage}}-that-does-not-exist" } } }""", Token);
        await UntilAsync(
            async () => (await Kubectl.GetAsync("pods", space, Token)).ToJsonString().Contains("-that-does-not-exist", StringComparison.Ordinal),
            "a pod waits for its image"
        );
        await Kubectl.RunAsync($"delete pods --all --namespace {space} --force --grace-period=0", Token);
    }
}
