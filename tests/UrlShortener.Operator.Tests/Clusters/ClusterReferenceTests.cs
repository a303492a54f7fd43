using k8s.Models;
using UrlShortener.Operator.Clusters;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using Xunit;

namespace UrlShortener.Operator.Tests.Clusters;

/// <summary>Several regions of one cluster have one kubeconfig.</summary>
public sealed class ClusterReferenceTests
{
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
        var (reference, conflict) = ClusterReference.Of(zz, [eu, zz]);
        Assert.Null(reference);
        Assert.Equal(Reasons.KubeconfigInvalid, conflict!.Reason);
        Assert.StartsWith("Region eu of the same cluster names Secret west with key kubeconfig.", conflict.Message, StringComparison.Ordinal);
        eu.Metadata.DeletionTimestamp = DateTime.UnixEpoch;
        Assert.Equal("other", NameOf(zz, eu));
    }

    [Fact]
    public void Region_ThatIsNewerThanTheCache_Counts() => Assert.Equal("next", NameOf(Region("eu", "next"), Region("eu", "west")));

    private static string? NameOf(V1Alpha1ShortenerRegion region, params V1Alpha1ShortenerRegion[] others)
    {
        var (reference, conflict) = ClusterReference.Of(region, others);
        Assert.Null(conflict);
        return reference?.Name;
    }

    private static V1Alpha1ShortenerRegion Region(string name, string? secret) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "shop" },
            Spec = SpecJson.MinimalRegion() with
            {
                Region = name,
                Cluster = new ClusterSpec { Name = "west", KubeconfigSecretRef = secret is null ? null : new KubeconfigSecretRef { Name = secret } },
            },
        };
}
