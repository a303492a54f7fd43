using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Manifests;
using UrlShortener.Operator.Tests;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Kubernetes;
using Xunit;

[assembly: AssemblyFixture(typeof(ApiServerFixture))]

namespace UrlShortener.Operator.Tests;

/// <summary>An API server with the operator's kinds.</summary>
public sealed class ApiServerFixture : ClusterFixture
{
    /// <inheritdoc />
    protected override async Task PrepareAsync(KubernetesCluster cluster)
    {
        using var client = cluster.CreateClient();
        await InstallAllAsync(client);
        // What the members of PostgreSQL may do is a part of the installation.
        foreach (var file in new[] { "config/rbac/postgres.yaml", "config/rbac/votes.yaml" })
            await cluster.RunKubectlAsync(["apply", "-f", Checkout.PathOf(file)], CancellationToken.None);
    }

    /// <summary>Installs the operator's kinds.</summary>
    internal static async Task InstallAllAsync(IKubernetes client)
    {
        foreach (var definition in CustomResourceDefinitions.BuildAll().Values)
            await InstallAsync(client, definition);
    }

    // As text: a server that knows no rules takes what it knows of it, which typed objects and server-side apply do not let it.
    private static async Task InstallAsync(IKubernetes client, JsonObject definition)
    {
        var name = (string)definition["metadata"]!["name"]!;
        var definitions = client.ApiextensionsV1;
        var there = (await definitions.ListCustomResourceDefinitionAsync(fieldSelector: $"metadata.name={name}")).Items.SingleOrDefault();
        if (there is null)
        {
            await client.CustomObjects.CreateClusterCustomObjectAsync(definition, "apiextensions.k8s.io", "v1", "customresourcedefinitions");
        }
        else
        {
            definition["metadata"]!["resourceVersion"] = there.ResourceVersion();
            await client.CustomObjects.ReplaceClusterCustomObjectAsync(definition, "apiextensions.k8s.io", "v1", "customresourcedefinitions", name);
        }

        await Eventually.HoldsAsync(
            async () =>
                (await definitions.ReadCustomResourceDefinitionAsync(name)).Status?.Conditions?.Any(one => one is { Type: "Established", Status: "True" })
                ?? false,
            $"{name} is served"
        );
    }
}
