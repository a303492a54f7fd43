using k8s;
using k8s.Models;
using UrlShortener.Operator.Conditions;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>The death of the node on which a region's pods run.</summary>
public sealed class NodeDeathTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    [Fact]
    public async Task Node_Dead_RegionIsNotReadyUntilOtherPodsServeAndNothingIsForced()
    {
        await StartWithFakePodsAsync();
        await Lab.Client.CreateAsync(Lab.Region());
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        var began = TimeProvider.System.GetUtcNow();

        await Lab.Kubelet.NodeNotReadyAsync(Token);
        await Lab.UntilAsync(ConditionTypes.AppAvailable, "False");
        await Lab.UntilAsync(ConditionTypes.Ready, "False");

        // They are told to end and nobody can tell whether they did.
        foreach (var pod in await PodsAsync())
            await Lab.Client.CoreV1.DeleteNamespacedPodAsync(pod.Metadata.Name, Lab.Namespace, cancellationToken: Token);
        await using var other = await Lab.StartKubeletAsync();
        await Lab.UntilAsync(ConditionTypes.Ready, "True");

        var pods = await PodsAsync();
        Assert.Equal(2, pods.Count(pod => pod.Metadata.DeletionTimestamp is not null && pod.Spec.NodeName == Lab.Kubelet.NodeName));
        Assert.Equal(2, pods.Count(pod => pod.Metadata.DeletionTimestamp is null && pod.Spec.NodeName == other.NodeName));
        Assert.DoesNotContain(await Lab.ReadWritesAsync(began), entry => entry.Resource == "pods");
        await Lab.Kubelet.NodeReadyAsync(Token);
    }

    private async Task<IReadOnlyList<V1Pod>> PodsAsync() =>
        [.. (await Lab.Client.CoreV1.ListNamespacedPodAsync(Lab.Namespace, labelSelector: "app.kubernetes.io/component=app", cancellationToken: Token)).Items];
}
