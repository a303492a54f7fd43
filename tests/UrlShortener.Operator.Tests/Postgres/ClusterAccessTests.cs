using System.Text;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Clusters;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Postgres;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>What the write guards need to read votes in other clusters.</summary>
public sealed class ClusterAccessTests
{
    private static readonly Kubeconfig West = new(new Uri("https://192.0.2.1:6443"), "CERTIFICATE", "secret");

    [Fact]
    public void Files_AreThoseThatTheGuardReads()
    {
        var secret = ClusterAccess.Build(Region("eu"), new Dictionary<string, Kubeconfig> { ["west"] = West });
        Assert.Equal("eu-postgres-clusters", secret.Metadata.Name);
        var pod = PostgresResources.BuildStatefulSet(Region("eu"), 1, clusters: ["west"]).Spec.Template.Spec;
        var volume = pod.Volumes.Single(one => one.Secret?.SecretName == secret.Metadata.Name);
        // Pods start without it.
        Assert.True(volume.Secret.Optional);
        Assert.Equal("/etc/topology", pod.Containers.Single(one => one.Name == "postgres").VolumeMounts.Single(mount => mount.Name == volume.Name).MountPath);
        Assert.Equal(
            ["west/server https://192.0.2.1:6443", "west/ca.crt CERTIFICATE", "west/token secret"],
            volume.Secret.Items.Select(item => $"{item.Path} {Encoding.ASCII.GetString(secret.Data[item.Key])}")
        );
    }

    [Fact]
    public void Region_OfAGroupInOneCluster_HasNone()
    {
        var none = Digest.OfObject(PostgresResources.BuildStatefulSet(Region("eu"), 1).Spec.Template);
        Assert.Equal(none, Digest.OfObject(PostgresResources.BuildStatefulSet(Region("eu"), 1, clusters: []).Spec.Template));
        Assert.NotEqual(none, Digest.OfObject(PostgresResources.BuildStatefulSet(Region("eu"), 1, clusters: ["west"]).Spec.Template));
    }

    [Fact]
    public void Clusters_AreThoseOfRegionsThatShareTheDatabase_WhateverIsKnownOfThem()
    {
        var eu = Region("eu", "here");
        V1Alpha1ShortenerRegion[] group = [eu, Region("us", "west", isRemote: true), Region("ap", "east", isRemote: true), Region("eu2", "here")];
        Assert.Equal(["east", "west"], GroupPlace.ClustersOf(eu, group));
        Assert.Empty(GroupPlace.ClustersOf(eu, [eu, Region("eu2", "here"), Region("us", "west", isRemote: true, space: "other")]));
    }

    [Fact]
    public void Witness_IsReadToo_AndNeverTheOwnCluster()
    {
        var eu = Region("eu", "here", witness: "far");
        Assert.Equal(["far", "west"], GroupPlace.ClustersOf(eu, [eu, Region("us", "west", isRemote: true)]));
        Assert.Equal(["west"], GroupPlace.ClustersOf(Region("eu", "here", witness: "here"), [eu, Region("us", "west", isRemote: true)]));
    }

    [Fact]
    public void Pod_TellsWhichClustersItsGuardMayRead()
    {
        var pod = new V1Pod
        {
            Metadata = new V1ObjectMeta(),
            Spec = PostgresResources.BuildStatefulSet(Region("eu"), 1, clusters: ["west"]).Spec.Template.Spec,
        };
        CacheTransforms.Apply(pod);
        Assert.True(ClusterAccess.IsMounted(pod, "west"));
        Assert.False(ClusterAccess.IsMounted(pod, "far"));
        Assert.False(ClusterAccess.IsMounted(new V1Pod(), "west"));
    }

    [Fact]
    public void Secret_IsWrittenAgain_WhenItIsAnotherOne()
    {
        var region = Region("eu");
        var desired = ClusterAccess.Build(region, new Dictionary<string, Kubeconfig> { ["west"] = West });
        Assert.False(ClusterAccess.IsCurrent(region, null, desired, []));
        var cached = ClusterAccess.Build(region, new Dictionary<string, Kubeconfig> { ["west"] = West });
        SecretDigests.Apply(cached);
        Assert.True(ClusterAccess.IsCurrent(region, cached, desired, []));
        Assert.False(
            ClusterAccess.IsCurrent(
                region,
                cached,
                ClusterAccess.Build(region, new Dictionary<string, Kubeconfig> { ["west"] = West with { Token = "next" } }),
                []
            )
        );
        cached.Data.Remove("west.token");
        Assert.False(ClusterAccess.IsCurrent(region, cached, desired, []));
    }

    [Fact]
    public void Guards_GetTheTokenThatOnlyReads()
    {
        var secret = ClusterAccess.Build(Region("eu"), new Dictionary<string, Kubeconfig> { ["west"] = West with { GuardToken = "lesser" } });
        Assert.Equal("lesser", Encoding.ASCII.GetString(secret.Data["west.token"]));
    }

    // Somebody has deleted the Secret with its kubeconfig, or named a cluster that has none yet. The token of another cluster is renewed all the same.
    [Fact]
    public void Cluster_WithoutAKubeconfig_StaysAsItWas()
    {
        var region = Region("eu");
        var live = ClusterAccess.Build(region, new Dictionary<string, Kubeconfig> { ["west"] = West, ["east"] = West });
        var cached = ClusterAccess.Build(region, new Dictionary<string, Kubeconfig> { ["west"] = West, ["east"] = West });
        SecretDigests.Apply(cached);
        Assert.True(
            ClusterAccess.IsCurrent(region, cached, ClusterAccess.Build(region, new Dictionary<string, Kubeconfig> { ["west"] = West }), ["east", "new"])
        );

        var desired = ClusterAccess.Build(region, new Dictionary<string, Kubeconfig> { ["west"] = West with { Token = "next" } });
        Assert.False(ClusterAccess.IsCurrent(region, cached, desired, ["east", "new"]));
        ClusterAccess.Keep(desired, live, ["east", "new"]);
        Assert.Equal(("next", "secret"), (Encoding.ASCII.GetString(desired.Data["west.token"]), Encoding.ASCII.GetString(desired.Data["east.token"])));
        // A cluster that has no region any more is forgotten.
        Assert.False(ClusterAccess.IsCurrent(region, cached, ClusterAccess.Build(region, new Dictionary<string, Kubeconfig> { ["west"] = West }), []));
    }

    private static V1Alpha1ShortenerRegion Region(string name, string? cluster = null, bool isRemote = false, string space = "shop", string? witness = null) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                NamespaceProperty = space,
                Uid = name,
            },
            Spec = SpecJson.MinimalRegion() with
            {
                Region = name,
                Cluster = cluster is null ? null : new ClusterSpec { Name = cluster },
                Connections = new ConnectionsSpec(),
                Failover = new FailoverSpec { Witness = witness is null ? null : new WitnessSpec { Cluster = new WitnessClusterSpec { Name = witness } } },
                Postgres = new PostgresSpec { Image = "registry.example/postgres:17" },
            },
            IsRemote = isRemote,
        };
}
