using System.Net;
using System.Net.Sockets;
using System.Text;
using k8s.Exceptions;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Api;

public sealed class KubernetesClientsTests
{
    [Theory]
    [InlineData("exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/true}", "", "exec")]
    [InlineData("auth-provider: {name: gcp}", "", "auth-provider")]
    [InlineData("client-certificate: /etc/passwd", "", "client-certificate")]
    [InlineData("client-key: /etc/passwd", "", "client-certificate or client-key")]
    [InlineData("token: abc", "certificate-authority: /etc/passwd", "certificate-authority")]
    public void CreateRemote_KubeconfigReachesBeyondItself_Refuses(string user, string cluster, string named)
    {
        var refusal = Assert.ThrowsAny<KubeConfigException>(() => KubernetesClients.CreateRemote(Build(user, cluster), TimeSpan.FromSeconds(2)));

        Assert.Contains(named, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateRemote_ServerSilent_FailsWithinTheTimeout()
    {
        // It takes connections and says nothing.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var port = ((IPEndPoint)silent.LocalEndpoint).Port;
        using var clients = KubernetesClients.CreateRemote(Build("token: abc", "", port), TimeSpan.FromMilliseconds(200));

        await Assert.ThrowsAsync<TimeoutException>(
            () => clients.Requests.GetAsync<V1ConfigMap>("api/v1/namespaces/a/configmaps/b", TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(null, null, null, "api/v1/configmaps")]
    [InlineData("space", null, null, "api/v1/namespaces/space/configmaps")]
    [InlineData("space", "a", "status", "api/v1/namespaces/space/configmaps/a/status")]
    public void Path_CoreKind_IsBelowApi(string? space, string? name, string? subresource, string expected) =>
        Assert.Equal(expected, ResourceType.Of<V1ConfigMap>().Path(space, name, subresource));

    [Fact]
    public void Path_KindOfAGroup_IsBelowApis() =>
        Assert.Equal("apis/coordination.k8s.io/v1/namespaces/space/leases/a", ResourceType.Of<V1Lease>().Path("space", "a"));

    private static byte[] Build(string user, string cluster, int port = 1) => Encoding.UTF8.GetBytes($$$"""
        apiVersion: v1
        kind: Config
        current-context: c
        contexts: [{name: c, context: {cluster: c, user: u}}]
        users: [{name: u, user: { {{{user}}} }}]
        clusters: [{name: c, cluster: {server: "https://127.0.0.1:{{{port}}}", insecure-skip-tls-verify: true{{{(cluster.Length > 0 ? ", " + cluster : "")}}} }}]
        """);
}
