using System.Net;
using System.Net.Sockets;
using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Api;

public sealed class ApiClientTests
{
    [Fact]
    public async Task Get_ServerSilent_FailsWithinTheTimeout()
    {
        // It takes connections and says nothing.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var port = ((IPEndPoint)silent.LocalEndpoint).Port;
        using var client = new ApiClient(new KubernetesClientConfiguration { Host = $"http://127.0.0.1:{port}" }, TimeSpan.FromMilliseconds(200));

        await Assert.ThrowsAsync<TimeoutException>(() =>
            client.GetAsync<V1ConfigMap>("api/v1/namespaces/a/configmaps/b", TestContext.Current.CancellationToken)
        );
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
}
