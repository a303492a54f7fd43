using System.Diagnostics;
using Xunit;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>The region's HorizontalPodAutoscaler on a cluster that measures its pods.</summary>
public sealed class AutoscalerTests(InstalledProduct product, ITestOutputHelper output) : ClusterTest(product)
{
    private const string Autoscaler = $"hpa/{InstalledProduct.Region}-app";
    private const int Crowd = 12;

    [Fact]
    public async Task Load_OfRedirects_AddsPodsWhichGoAgainWithoutAFailedRedirect()
    {
        Product.AssertInstalled();
        var metrics = await Kubectl.TryAsync("get --raw /apis/metrics.k8s.io/v1beta1/nodes", Token);
        Assert.SkipUnless(
            metrics.Contains("NodeMetricsList", StringComparison.Ordinal),
            $"The cluster has no metrics API (metrics-server), without which no autoscaler works: {metrics}"
        );
        var (connect, path) = await OpenLinkAsync();
        try
        {
            var began = Stopwatch.GetTimestamp();
            await using (var crowd = Visitors.Come(connect, path, Token, Crowd))
            {
                await SetTargetAsync("20");
                await UntilAsync(
                    async () => await CountReadyAsync() > 3,
                    "the autoscaler added a pod",
                    () => Kubectl.TryAsync($"describe {Autoscaler} --namespace {InstalledProduct.Namespace}", Token)
                );
                output.WriteLine($"Under load: {await CountReadyAsync()} pods instead of 3 serve after {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s.");
                await AssertAllRedirectedAsync(crowd);
            }

            await using var visitors = Visitors.Come(connect, path, Token, count: 1);
            await SetTargetAsync("null");
            // By default it waits for five minutes, and then takes a pod a minute. A suspended operator lets it be told otherwise.
            await SuspendAsync("Changes");
            began = Stopwatch.GetTimestamp();
            await Kubectl.PatchAsync(
                Autoscaler,
                InstalledProduct.Namespace,
                """{"spec":{"behavior":{"scaleDown":{"stabilizationWindowSeconds":0,"policies":[{"type":"Percent","value":100,"periodSeconds":15}]}}}}""",
                Token
            );
            await UntilAsync(
                async () => await CountReadyAsync() == 3 && await CountPodsAsync() == 3,
                "three pods serve, and no others are left",
                () => Kubectl.TryAsync($"describe {Autoscaler} --namespace {InstalledProduct.Namespace}", Token)
            );
            output.WriteLine($"Without load: 3 pods are left after {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s, without its delay of 300 s.");
            await AssertAllRedirectedAsync(visitors);
        }
        finally
        {
            await SetTargetAsync("null");
            await SuspendAsync("None");
        }

        await UntilAsync(
            async () =>
                (int?)(await Kubectl.GetAsync(Autoscaler, InstalledProduct.Namespace, Token))["spec"]!["behavior"]!["scaleDown"]!["stabilizationWindowSeconds"]
                == 300,
            "the autoscaler is as the operator wants it"
        );
        await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);
    }

    private async Task SetTargetAsync(string percent)
    {
        await Kubectl.PatchAsync(Region, InstalledProduct.Namespace, $$"""{ "spec": { "app": { "targetCPUUtilization": {{percent}} } } }""", Token);
        await UntilDescribedAsync();
    }

    private async Task SuspendAsync(string mode)
    {
        await Kubectl.PatchAsync(Region, InstalledProduct.Namespace, $$"""{ "spec": { "suspend": "{{mode}}" } }""", Token);
        await UntilDescribedAsync();
    }

    private Task UntilDescribedAsync() =>
        UntilAsync(
            async () =>
                await Kubectl.GetAsync(Region, InstalledProduct.Namespace, Token) is var region
                && (long?)region["status"]?["observedGeneration"] == (long?)region["metadata"]?["generation"],
            "the status describes the new generation"
        );
}
