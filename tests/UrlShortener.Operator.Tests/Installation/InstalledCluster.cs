using System.Text.Json.Nodes;
using k8s;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.Operator.Tests.Installation;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Kubernetes;
using Xunit;

[assembly: AssemblyFixture(typeof(InstalledCluster))]

namespace UrlShortener.Operator.Tests.Installation;

/// <summary>A cluster of its own in which everything is installed that <c>kustomization.yaml</c> names.</summary>
public sealed class InstalledCluster : ClusterFixture
{
    /// <summary>The operator's own namespace.</summary>
    public const string SystemNamespace = "urlshortener-system";

    /// <summary>The namespace in which regions live from the start.</summary>
    public const string RegionNamespace = "urlshortener";

    /// <summary>Name of the operator's service account, and of most else.</summary>
    public const string Name = "shortener-operator";

    private static readonly Dictionary<string, (string Api, string Plural, bool IsNamespaced)> Kinds = new(StringComparer.Ordinal)
    {
        ["ClusterRole"] = ("apis/rbac.authorization.k8s.io/v1", "clusterroles", false),
        ["ClusterRoleBinding"] = ("apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", false),
        ["CustomResourceDefinition"] = ("apis/apiextensions.k8s.io/v1", "customresourcedefinitions", false),
        ["Deployment"] = ("apis/apps/v1", "deployments", true),
        ["Namespace"] = ("api/v1", "namespaces", false),
        ["NetworkPolicy"] = ("apis/networking.k8s.io/v1", "networkpolicies", true),
        ["PodDisruptionBudget"] = ("apis/policy/v1", "poddisruptionbudgets", true),
        ["Role"] = ("apis/rbac.authorization.k8s.io/v1", "roles", true),
        ["RoleBinding"] = ("apis/rbac.authorization.k8s.io/v1", "rolebindings", true),
        ["Service"] = ("api/v1", "services", true),
        ["ServiceAccount"] = ("api/v1", "serviceaccounts", true),
        ["ValidatingWebhookConfiguration"] = ("apis/admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", false),
    };

    /// <inheritdoc />
    protected override async Task PrepareAsync(KubernetesCluster cluster)
    {
        // What is installed has fixed names, which must not touch a cluster that somebody uses.
        if (!cluster.IsLocal)
            throw ServerUnavailableException.NeedsLocalControlPlane("Installing the operator");
        using var client = new ApiClient(KubernetesClientConfiguration.BuildConfigFromConfigFile(cluster.Kubeconfig), TimeSpan.FromSeconds(30));
        foreach (var item in ManifestFile.ReadInstalled().OrderBy(item => (string)item["kind"]! != "Namespace"))
            await client.SendAsync<JsonObject>(HttpMethod.Post, PathOf(item), item, "application/json", CancellationToken.None);
    }

    private static string PathOf(JsonObject item)
    {
        var (api, plural, isNamespaced) = Kinds[(string)item["kind"]!];
        return isNamespaced ? $"/{api}/namespaces/{(string)item["metadata"]!["namespace"]!}/{plural}" : $"/{api}/{plural}";
    }
}
