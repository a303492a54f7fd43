using System.Net;
using System.Net.Sockets;
using System.Text;
using k8s.Models;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Regions;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

public sealed class AppProbeTests
{
    // Nothing listens there.
    private readonly string _lost = PodAddresses.Take();
    private readonly string _serving = PodAddresses.Take();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>As on a lost node: until Kubernetes notices, its pods count as ready, and none answers.</summary>
    [Fact]
    public async Task AskAsync_OldestPodDoesNotAnswer_AsksPodsOfOtherNodes()
    {
        using var serving = Listen(_serving);
        var answering = AnswerAsync(serving);
        using var client = new HttpClient();

        var health = await new AppProbe(client).AskAsync(
            [Pod("a", 1, _lost, "lost"), Pod("b", 2, _lost, "lost"), Pod("c", 3, _lost, "lost"), Pod("d", 4, _serving, "other")],
            Token
        );

        Assert.Equal("healthy", health?.Status);
        await answering;
    }

    [Fact]
    public async Task AskAsync_NoPodAnswers_IsNull()
    {
        using var client = new HttpClient();

        Assert.Null(await new AppProbe(client).AskAsync([Pod("a", 1, _lost, "lost"), Pod("b", 2, _lost, "lost")], Token));
        Assert.Null(await new AppProbe(client).AskAsync([], Token));
    }

    private static TcpListener Listen(string address)
    {
        var listener = new TcpListener(IPAddress.Parse(address), RuntimePod.Port);
        listener.Start();
        return listener;
    }

    private static async Task AnswerAsync(TcpListener listener)
    {
        using var connection = await listener.AcceptTcpClientAsync(Token);
        await using var stream = connection.GetStream();
        using var reader = new StreamReader(stream, leaveOpen: true);
        while (await reader.ReadLineAsync(Token) is { Length: > 0 }) { }
        const string Body = """{"status":"healthy","components":{"database":"healthy","cache":"healthy","kgs":"healthy"},"version":"1"}""";
        var answer = $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\nConnection: close\r\n\r\n{Body}";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), Token);
    }

    private static V1Pod Pod(string name, int age, string address, string node) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name, CreationTimestamp = DateTime.UnixEpoch.AddDays(age) },
            Spec = new V1PodSpec { NodeName = node, Containers = [] },
            Status = new V1PodStatus { PodIP = address, Conditions = [new V1PodCondition { Type = "Ready", Status = "True" }] },
        };
}
