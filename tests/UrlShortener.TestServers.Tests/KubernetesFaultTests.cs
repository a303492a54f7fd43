using System.Net;
using k8s;
using k8s.Autorest;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Network;
using Xunit;

namespace UrlShortener.TestServers.Tests;

/// <summary>What breaks a cluster, on one of its own.</summary>
public sealed class KubernetesFaultTests : ServerTest
{
    [Fact]
    public async Task ApiServer_StoppedFrozenCompactedAndCutOff_ComesBackWithItsData()
    {
        await using var cluster = await StartAsync(new KubernetesClusterOptions { Gated = true });
        RequireLocal(cluster);
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("faults", Token);
        var first = await client.CoreV1.CreateNamespacedConfigMapAsync(Samples.ConfigMap("kept", "key", "1"), space.Name, cancellationToken: Token);

        await cluster.StopApiServerAsync(Token);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => ReadAsync());
        await cluster.StartApiServerAsync(Token);
        await UntilReadAsync("1");

        await cluster.FreezeAsync(Token);
        var waiting = ReadAsync();
        await Assert.ThrowsAsync<TimeoutException>(() => waiting.WaitAsync(TimeSpan.FromSeconds(1), Token));
        await cluster.ResumeAsync(Token);
        Assert.Equal("1", await waiting);

        cluster.Gate!.Mode = TcpGateMode.Closed;
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => ReadAsync());
        cluster.Gate.Mode = TcpGateMode.Open;
        await UntilReadAsync("1");

        first.Data["key"] = "2";
        await client.CoreV1.ReplaceNamespacedConfigMapAsync(first, "kept", space.Name, cancellationToken: Token);
        await cluster.CompactAsync(Token);
        Assert.Equal("2", await ReadAsync());
        var expired = await Assert.ThrowsAsync<HttpOperationException>(() =>
            client.CoreV1.ListNamespacedConfigMapAsync(
                space.Name,
                resourceVersion: first.Metadata.ResourceVersion,
                resourceVersionMatch: "Exact",
                cancellationToken: Token
            )
        );
        Assert.Equal(HttpStatusCode.Gone, expired.Response.StatusCode);
        Assert.Equal(HttpStatusCode.Gone, await WatchFromAsync(first.Metadata.ResourceVersion));

        async Task<string> ReadAsync() => (await client.CoreV1.ReadNamespacedConfigMapAsync("kept", space.Name, cancellationToken: Token)).Data["key"];

        // The client may still be waiting for a connection that it began before.
        Task UntilReadAsync(string value) =>
            Eventually.HoldsAsync(
                async () =>
                {
                    try
                    {
                        return await ReadAsync() == value;
                    }
                    catch (HttpRequestException)
                    {
                        return false;
                    }
                },
                () => $"the API server answers with {value}"
            );

        async Task<HttpStatusCode> WatchFromAsync(string version)
        {
            Exception? error = null;
            var watch = client.CoreV1.WatchListNamespacedConfigMapAsync(
                space.Name,
                resourceVersion: version,
                onError: one => error ??= one,
                cancellationToken: Token
            );
            await foreach (var (type, _) in watch)
                Assert.Fail($"The watch tells of {type}.");
            return (HttpStatusCode)Assert.IsType<KubernetesException>(error).Status.Code!;
        }
    }
}
