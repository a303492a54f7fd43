using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Election;
using UrlShortener.ControllerRuntime.Tests.Informers;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Api;

/// <summary>Writes and live reads on a real API server.</summary>
public sealed class ResourceClientTests(RuntimeClusterFixture fixture) : RuntimeTest
{
    [Fact]
    public async Task Apply_FieldOfAnotherManager_IsAConflictUnlessForced()
    {
        var cluster = await fixture.GetAsync();
        await using var space = await cluster.CreateNamespaceAsync("apply", Token);
        using var clients = Connect(cluster.Kubeconfig);
        using var leadership = Leadership.CreatePermanent(TimeProvider.System);
        var client = new ResourceClient(clients.Requests, leadership);
        await client.ApplyAsync(Build(space.Name, "a", "one"), "somebody", force: false, Token);

        var refusal = await Assert.ThrowsAsync<ApiException>(() => client.ApplyAsync(Build(space.Name, "a", "two"), FieldManager, force: false, Token));
        var forced = await client.ApplyAsync(Build(space.Name, "a", "three"), FieldManager, force: true, Token);

        Assert.True(refusal.IsConflict);
        Assert.Equal("three", forced.Data["key"]);
    }

    [Fact]
    public async Task Delete_ObjectMadeAgainUnderTheSameName_IsAConflictAndLeavesIt()
    {
        var cluster = await fixture.GetAsync();
        await using var space = await cluster.CreateNamespaceAsync("delete", Token);
        using var clients = Connect(cluster.Kubeconfig);
        using var leadership = Leadership.CreatePermanent(TimeProvider.System);
        var client = new ResourceClient(clients.Requests, leadership);
        var former = await client.CreateAsync(Build(space.Name, "a", "one"), FieldManager, Token);
        await client.DeleteAsync(former, Token);
        await client.DeleteAsync(former, Token);
        await client.CreateAsync(Build(space.Name, "a", "two"), FieldManager, Token);

        var refusal = await Assert.ThrowsAsync<ApiException>(() => client.DeleteAsync(former, Token));
        var twice = await Assert.ThrowsAsync<ApiException>(() => client.CreateAsync(Build(space.Name, "a", "x"), FieldManager, Token));

        Assert.True(refusal.IsConflict);
        Assert.True(twice.IsAlreadyExists);
        Assert.Equal("two", (await client.GetAsync<V1ConfigMap>(new ObjectKey(space.Name, "a"), Token))!.Data["key"]);
    }

    private static V1ConfigMap Build(string space, string name, string value)
    {
        var built = InformerTests.Build(name);
        built.Metadata.NamespaceProperty = space;
        built.Data["key"] = value;
        return built;
    }
}
