using System.Net;
using System.Net.Sockets;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.Operator.Clusters;
using Xunit;

namespace UrlShortener.Operator.Tests.Clusters;

public sealed class ClusterClientTests
{
    [Fact]
    public async Task Server_ThatDoesNotAnswer_IsLeftAloneForAMoment()
    {
        var time = new FakeTimeProvider();
        using var client = new ClusterClient("west", new Kubeconfig(FindClosed(), KubeconfigTests.Authority, "secret"), new NoRight(), time);
        for (var request = 0; request < 4; request++)
            Assert.StartsWith("Cluster west does not answer: ", await AskAsync(), StringComparison.Ordinal);
        Assert.StartsWith("Cluster west did not answer several times.", await AskAsync(), StringComparison.Ordinal);
        time.Advance(ClusterClient.Pause);
        Assert.StartsWith("Cluster west does not answer: ", await AskAsync(), StringComparison.Ordinal);
        Assert.StartsWith("Cluster west did not answer several times.", await AskAsync(), StringComparison.Ordinal);

        async Task<string?> AskAsync()
        {
            var answer = await client.AskAsync(
                (remote, token) => remote.GetAsync<V1ConfigMap>(new ObjectKey("shop", "eu-topology"), token),
                TestContext.Current.CancellationToken
            );
            Assert.False(answer.IsRefusal);
            return answer.Failure;
        }
    }

    [Fact]
    public async Task Process_ThatDoesNotLead_WritesNothing()
    {
        using var client = new ClusterClient("west", new Kubeconfig(FindClosed(), KubeconfigTests.Authority, "secret"), new NoRight(), TimeProvider.System);
        await Assert.ThrowsAsync<LeadershipLostException>(() =>
            client.AskAsync<V1ConfigMap>(
                async (remote, token) => await remote.PatchAsync<V1ConfigMap>(new ObjectKey("shop", "eu-topology"), [], "test", token),
                TestContext.Current.CancellationToken
            )
        );
    }

    // Without TLS, which takes its time on a busy machine.
    [Fact]
    public async Task Answer_WithoutEnd_IsNotReadToItsEnd()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, TestContext.Current.CancellationToken);
        var configuration = new KubernetesClientConfiguration { Host = $"http://{listener.LocalEndpoint}" };
        using (var client = new ApiClient(configuration, TimeSpan.FromMinutes(2), maxAnswer: ClusterClient.MaxAnswer))
            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync<V1ConfigMap>("api/v1/eu-topology", TestContext.Current.CancellationToken));
        Assert.True(await serving < 64 << 20);
    }

    // Sends without end, and says how many bytes the other side took.
    private static async Task<long> ServeAsync(TcpListener listener, CancellationToken cancellationToken)
    {
        using var connection = await listener.AcceptTcpClientAsync(cancellationToken);
        await using var stream = connection.GetStream();
        var sent = 0L;
        try
        {
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"u8.ToArray(), cancellationToken);
            var part = new byte[1 << 20];
            Array.Fill(part, (byte)' ');
            while (true)
            {
                await stream.WriteAsync(part, cancellationToken);
                sent += part.Length;
            }
        }
        catch (IOException)
        {
            // It has closed the connection.
            return sent;
        }
    }

    // A port on which nobody listens any more.
    private static Uri FindClosed()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return new Uri($"https://{socket.LocalEndPoint}");
    }

    private sealed class NoRight : IFencing
    {
        public FencingToken RequireToken() => throw new LeadershipLostException();
    }
}
