using k8s.Models;
using UrlShortener.Operator.Clusters;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using Xunit;

namespace UrlShortener.Operator.Tests.Clusters;

/// <summary>Several regions that are in one cluster, or have it as their witness, have one kubeconfig of it.</summary>
public sealed class ClusterReferenceTests
{
    private const string West = "west";

    [Fact]
    public void Region_ThatNamesNoSecret_UsesThatOfTheOthers()
    {
        Assert.Equal("west", NameOf(Region("zz", null), Region("eu", "west")));
        Assert.Equal("west", NameOf(Region("eu", "west"), Region("aa", null)));
        Assert.Null(NameOf(Region("eu", null)));
    }

    [Fact]
    public void Region_ThatNamesAnotherSecret_IsNotRead_AndTakesNothingFromTheOthers()
    {
        var (eu, zz) = (Region("eu", "west"), Region("zz", "other"));
        Assert.Equal("west", NameOf(eu, zz));
        var (reference, conflict) = ClusterReference.Of(zz, West, [eu, zz]);
        Assert.Equal("west", reference!.Name);
        Assert.Equal(Reasons.KubeconfigInvalid, conflict!.Reason);
        Assert.StartsWith(
            "Region zz names Secret other with key kubeconfig for cluster west, and region eu Secret west with key kubeconfig, which is used.",
            conflict.Message,
            StringComparison.Ordinal
        );
        eu.Metadata.DeletionTimestamp = DateTime.UnixEpoch;
        Assert.Equal("other", NameOf(zz, eu));
    }

    [Fact]
    public void Region_ThatIsNewerThanTheCache_Counts() => Assert.Equal("next", NameOf(Region("eu", "next"), Region("eu", "west")));

    // Otherwise each would replace the client of the other one, in turn.
    [Fact]
    public void Regions_OfThisCluster_HaveOneKubeconfigOfTheirWitness()
    {
        var (ap, eu) = (Witnessed("ap", "first"), Witnessed("eu", "second"));
        Assert.Equal("first", NameOf(ap, eu));
        var (reference, conflict) = ClusterReference.Of(eu, West, [ap, eu]);
        Assert.Equal("first", reference!.Name);
        Assert.Equal(Reasons.KubeconfigInvalid, conflict!.Reason);
        Assert.StartsWith("Region eu names Secret second", conflict.Message, StringComparison.Ordinal);
        // Also of another group, one of whose regions is in that cluster.
        Assert.NotNull(ClusterReference.Of(eu, West, [Region("aa", "west")]).Conflict);
        Assert.Equal("west", NameOf(Witnessed("eu", "west"), Region("aa", "west")));
        // What a region of another cluster has as its witness is not used here.
        eu.IsRemote = true;
        Assert.Equal("first", NameOf(ap, eu));
        Assert.Equal((null, null), ClusterReference.Of(eu, West, [eu]));
        Assert.Equal((null, null), ClusterReference.Of(ap, "north", [ap]));
    }

    private static string? NameOf(V1Alpha1ShortenerRegion region, params V1Alpha1ShortenerRegion[] others)
    {
        var (reference, conflict) = ClusterReference.Of(region, West, others);
        Assert.Null(conflict);
        return reference?.Name;
    }

    private static V1Alpha1ShortenerRegion Witnessed(string name, string secret) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "shop" },
            Spec = SpecJson.MinimalRegion() with
            {
                Region = name,
                Cluster = new ClusterSpec { Name = "here" },
                Failover = new FailoverSpec
                {
                    Witness = new WitnessSpec
                    {
                        Cluster = new WitnessClusterSpec
                        {
                            Name = West,
                            KubeconfigSecretRef = new KubeconfigSecretRef { Name = secret },
                        },
                    },
                },
            },
        };

    private static V1Alpha1ShortenerRegion Region(string name, string? secret) =>
        new()
        {
            IsRemote = true,
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "shop" },
            Spec = SpecJson.MinimalRegion() with
            {
                Region = name,
                Cluster = new ClusterSpec { Name = West, KubeconfigSecretRef = secret is null ? null : new KubeconfigSecretRef { Name = secret } },
            },
        };
}
