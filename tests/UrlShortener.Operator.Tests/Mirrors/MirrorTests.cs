using System.Text;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Mirrors;

/// <summary>
/// A region that another cluster runs. Here the other cluster has the same API server, so that its object is the very one that is looked at; ClusterFailoverTests has
/// several.
/// </summary>
public sealed class MirrorTests(ApiServerFixture apiServer) : IAsyncLifetime
{
    private const string Secret = "cluster-west";

    private RegionLab _lab = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _lab = await RegionLab.StartWithFakePodsAsync(apiServer, hasOperator: false);
        await _lab.StartOperatorAsync(cluster: "east");
    }

    public async ValueTask DisposeAsync()
    {
        if (_lab is not null)
            await _lab.DisposeAsync();
    }

    [Fact]
    public async Task Kubeconfig_MissingInvalidWithoutRightsAndReplaced_IsToldAndFollowedWithoutARestart()
    {
        await _lab.Client.CreateAsync(_lab.Region("us", """{ "cluster": { "name": "west", "kubeconfigSecretRef": { "name": "cluster-west" } } }"""));
        await _lab.Client.CreateAsync(_lab.Region("eu", """{ "cluster": { "name": "east" } }"""));
        await UntilAsync("False", Reasons.KubeconfigMissing);

        await WriteAsync("apiVersion: v1\nkind: Config\ncurrent-context: a\n");
        Assert.Contains("The context a is missing.", (await UntilAsync("False", Reasons.KubeconfigInvalid)).Message, StringComparison.Ordinal);

        var powerless = await _lab.Cluster.MakeUserAsync(_lab.Namespace, "powerless", [], false, Token);
        await WriteAsync(await File.ReadAllTextAsync(powerless.Kubeconfig, Token));
        Assert.Contains("powerless", (await UntilAsync("False", Reasons.AccessDenied)).Message, StringComparison.Ordinal);

        V1PolicyRule[] rules =
        [
            new()
            {
                ApiGroups = ["urlshortener.dev"],
                Resources = ["shortenerregions"],
                Verbs = ["get"],
            },
        ];
        var reader = await _lab.Cluster.MakeUserAsync(_lab.Namespace, "reader", rules, false, Token);
        await WriteAsync(await File.ReadAllTextAsync(reader.Kubeconfig, Token));
        await UntilAsync("True", Reasons.AsExpected);

        // The own region has all its objects meanwhile, and the other one none.
        await _lab.UntilAsync("AppAvailable", "True");
        Assert.DoesNotContain((await _lab.ReadAsync()).Status!.Conditions!, condition => condition.Type == ConditionTypes.ClusterReachable);
        var deployments = await _lab.Client.AppsV1.ListNamespacedDeploymentAsync(_lab.Namespace, cancellationToken: Token);
        Assert.Equal(["eu-app"], deployments.Items.Select(deployment => deployment.Metadata.Name));
        var maps = await _lab.Client.CoreV1.ListNamespacedConfigMapAsync(_lab.Namespace, cancellationToken: Token);
        Assert.DoesNotContain(maps.Items, map => map.Metadata.Name.StartsWith("us-", StringComparison.Ordinal));
        Assert.Equal([ConditionTypes.ClusterReachable], (await _lab.ReadAsync("us")).Status!.Conditions!.Select(condition => condition.Type));
    }

    private async Task WriteAsync(string kubeconfig)
    {
        var secret = new V1Secret
        {
            Metadata = new V1ObjectMeta { Name = Secret },
            Data = new Dictionary<string, byte[]> { ["kubeconfig"] = Encoding.UTF8.GetBytes(kubeconfig) },
        };
        var there = (await _lab.Client.CoreV1.ListNamespacedSecretAsync(_lab.Namespace, cancellationToken: Token)).Items;
        if (there.Any(one => one.Metadata.Name == Secret))
            await _lab.Client.CoreV1.ReplaceNamespacedSecretAsync(secret, Secret, _lab.Namespace, cancellationToken: Token);
        else
            await _lab.Client.CoreV1.CreateNamespacedSecretAsync(secret, _lab.Namespace, cancellationToken: Token);
    }

    // The status has no generation: nobody has described the specification.
    private async Task<V1Condition> UntilAsync(string status, string reason)
    {
        V1Condition? found = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                found = (await _lab.ReadAsync("us")).Status?.Conditions?.FirstOrDefault(condition => condition.Type == ConditionTypes.ClusterReachable);
                return found?.Status == status && found.Reason == reason;
            },
            () => $"ClusterReachable is {status} for {reason}; it is {found?.Status}, {found?.Reason}: {found?.Message}"
        );
        return found!;
    }
}
