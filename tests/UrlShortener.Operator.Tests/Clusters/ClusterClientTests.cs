using System.Net;
using System.Net.Sockets;
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
