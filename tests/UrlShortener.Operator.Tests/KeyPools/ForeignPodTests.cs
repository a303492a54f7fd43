using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.KeyPools;

/// <summary>Pods of somebody else in the namespace of a region, with the labels of the region's pods.</summary>
public sealed class ForeignPodTests(ApiServerFixture apiServer, StoresFixture stores) : PoolTest(apiServer, stores)
{
    // An unhealthy database without tables, and a worker that fills nothing.
    private const string Lies = """
        {"status":"unhealthy","components":{"database":"unhealthy","cache":"unhealthy"},"schema":{"state":"behind","applied":0,"known":1},
        "state":"idle","level":1000000000,"epoch":2000000}
        """;

    /// <summary>The operator neither sends them the token of the workers nor believes what they say. They hold no migration back.</summary>
    [Fact]
    public async Task Pods_WithTheLabelsOfARegion_AreNeitherAskedNorBelieved()
    {
        await StartLabAsync(hasRegion: false);
        await using var impostor = new CannedPod($"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {Lies.Length}\r\n\r\n{Lies}");
        // Older than the pods of the region, which would have the operator ask them first.
        await CreateAsync("eu", Names.App, impostor.Address);
        await CreateAsync("eu", Names.Migrate, impostor.Address);
        await CreateAsync("keys", Names.Kgs, impostor.Address);

        await Lab.Client.CreateAsync(Lab.Region(patch: """{ "app": { "minReplicas": 1 } }"""));
        await Lab.Client.CreateAsync(Pool.Pool());

        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Lab.UntilAsync(ConditionTypes.SchemaCurrent, "True");
        var pool = await Pool.UntilAsync("True", ConditionTypes.Ready, ConditionTypes.GeneratorHealthy);
        Assert.InRange(pool.Status!.Available!.Value, 0, 10_000);
        Assert.Equal(1, pool.Status.Epoch);
        Assert.Empty(impostor.Requests);
    }

    private async Task CreateAsync(string instance, string component, string address)
    {
        var pod = new V1Pod
        {
            Metadata = new V1ObjectMeta { Name = $"impostor-{component}", Labels = Labels.Of(instance, component, "eu") },
            // On no node, so that nobody runs it.
            Spec = new V1PodSpec { NodeName = "elsewhere", Containers = [new V1Container { Name = "impostor", Image = "registry.example/impostor:1" }] },
        };
        await Lab.Client.CoreV1.CreateNamespacedPodAsync(pod, Lab.Namespace, cancellationToken: Token);
        await Lab.Client.CoreV1.PatchNamespacedPodStatusAsync(
            new V1Patch(
                $$"""
                { "status": { "phase": "Running", "podIP": "{{address}}", "podIPs": [{ "ip": "{{address}}" }],
                  "conditions": [{ "type": "Ready", "status": "True" }] } }
                """,
                V1Patch.PatchType.StrategicMergePatch
            ),
            pod.Metadata.Name,
            Lab.Namespace,
            cancellationToken: Token
        );
    }
}
