using k8s.Models;
using UrlShortener.Operator.Regions;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

public sealed class AppProbeTests
{
    private const string Healthy = """{"status":"healthy","components":{"database":"healthy","cache":"healthy","kgs":"healthy"},"version":"1"}""";

    // Nothing listens there.
    private readonly string _lost = PodAddresses.Take();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>As on a lost node: until Kubernetes notices, its pods count as ready, and none answers.</summary>
    [Fact]
    public async Task AskAsync_OldestPodDoesNotAnswer_AsksPodsOfOtherNodes()
    {
        await using var serving = new CannedPod(
            $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {Healthy.Length}\r\nConnection: close\r\n\r\n{Healthy}"
        );
        using var client = new HttpClient();

        // On a busy machine an answer may come after the operator's time for it.
        var health = await Eventually.ReadAsync(
            () =>
                new AppProbe(client).AskAsync(
                    [Pod("a", 1, _lost, "lost"), Pod("b", 2, _lost, "lost"), Pod("c", 3, _lost, "lost"), Pod("d", 4, serving.Address, "other")],
                    Token
                ),
            health => health is not null,
            "the pod that serves answers"
        );

        Assert.Equal("healthy", health!.Status);
    }

    [Fact]
    public async Task AskAsync_NoPodAnswers_IsNull()
    {
        using var client = new HttpClient();

        Assert.Null(await new AppProbe(client).AskAsync([Pod("a", 1, _lost, "lost"), Pod("b", 2, _lost, "lost")], Token));
        Assert.Null(await new AppProbe(client).AskAsync([], Token));
    }

    private static V1Pod Pod(string name, int age, string address, string node) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name, CreationTimestamp = DateTime.UnixEpoch.AddDays(age) },
            Spec = new V1PodSpec { NodeName = node, Containers = [] },
            Status = new V1PodStatus { PodIP = address, Conditions = [new V1PodCondition { Type = "Ready", Status = "True" }] },
        };
}
