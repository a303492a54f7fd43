using UrlShortener.Operator.Tests.Installation;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Kubernetes;
using Xunit;

[assembly: AssemblyFixture(typeof(InstalledCluster))]

namespace UrlShortener.Operator.Tests.Installation;

/// <summary>A cluster of its own in which everything is installed as docs/operator.md says.</summary>
public sealed class InstalledCluster : ClusterFixture
{
    /// <summary>The operator's own namespace.</summary>
    public const string SystemNamespace = "urlshortener-system";

    /// <summary>The namespace in which regions live from the start.</summary>
    public const string RegionNamespace = "urlshortener";

    /// <summary>Name of the operator's service account, and of most else.</summary>
    public const string Name = "shortener-operator";

    /// <inheritdoc />
    protected override async Task PrepareAsync(KubernetesCluster cluster)
    {
        // What is installed has fixed names, which must not touch a cluster that somebody uses.
        if (!cluster.IsLocal)
            throw ServerUnavailableException.NeedsLocalControlPlane("Installing the operator");
        // As a user does: the namespace of the regions and the operator's rights there are the user's step.
        await cluster.RunKubectlAsync(["create", "namespace", RegionNamespace], CancellationToken.None);
        await cluster.RunKubectlAsync(["apply", "--namespace", RegionNamespace, "-k", Checkout.PathOf("config/namespace")], CancellationToken.None);
        await cluster.RunKubectlAsync(["apply", "-k", Checkout.PathOf(".")], CancellationToken.None);
    }
}
