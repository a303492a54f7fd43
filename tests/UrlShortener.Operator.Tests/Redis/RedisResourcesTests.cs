using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Redis;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>The objects of a region's Redis, without a server.</summary>
public sealed class RedisResourcesTests
{
    private static readonly V1Alpha1ShortenerRegion Region = new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = "eu",
            NamespaceProperty = "shop",
            Uid = "u-1",
        },
        Spec = SpecJson.MinimalRegion() with { Redis = new RedisSpec { Image = "registry.example/redis:7.2" } },
    };

    /// <summary>
    /// Another digest replaces every Redis pod of every region when the operator is upgraded. Change it only for a release that needs that, and say so in the
    /// notes on upgrading.
    /// </summary>
    [Fact]
    public void PodTemplate_SameSpecification_IsPinned() =>
        Assert.Equal("d8a5759cd85cfa5b", Digest.OfObject(RedisResources.BuildShard(Region, 0, 2).Spec.Template));

    [Fact]
    public void Settings_ThatANodeTakesWhileItRuns_DoNotReplacePods()
    {
        var changed = new V1Alpha1ShortenerRegion
        {
            Metadata = Region.Metadata,
            Spec = Region.Spec with
            {
                Redis = Region.Spec.Redis! with { MaxMemory = new ResourceQuantity("300Mi"), NodeTimeoutMillis = 1_000, AssistedFailover = false },
            },
        };

        Assert.Equal(
            KubernetesJson.Serialize(RedisResources.BuildShard(Region, 0, 2).Spec.Template),
            KubernetesJson.Serialize(RedisResources.BuildShard(changed, 0, 2).Spec.Template)
        );
        Assert.Contains("maxmemory 314572800\n", RedisConfig.Build(changed.Spec.Redis!)["redis.conf"], StringComparison.Ordinal);
    }

    [Fact]
    public void Pods_WithoutTheirLabels_AreStillThoseOfTheirShard()
    {
        var node = RedisNames.PodsOf(Region, new Dictionary<int, int>()).First(node => node.Shard == 1);
        var pod = new V1Pod
        {
            Metadata = new V1ObjectMeta
            {
                Name = node.Name,
                Labels = new Dictionary<string, string> { [RedisNames.ShardLabel] = "2", ["added"] = "by hand" },
            },
            Spec = new V1PodSpec { Containers = [new V1Container { Name = RedisNames.Container }] },
        };
        var observed = new ObservedRedis { Nodes = [node], Pods = [pod] };

        Assert.True(RedisObserver.IsOf(Region, node, pod));
        Assert.Equal("1", observed.FindMissingLabels(Region).Single().Missing[RedisNames.ShardLabel]);
        pod.Metadata.Labels = new Dictionary<string, string>(RedisResources.LabelsOf(Region, 1)) { ["added"] = "by hand" };
        Assert.Empty(observed.FindMissingLabels(Region));
        Assert.Equal(RedisResources.BuildShard(Region, 1, 2).Spec.Template.Metadata.Labels, RedisResources.LabelsOf(Region, 1).ToDictionary());

        // That of another controller is none of them, and neither is one with other containers.
        pod.Spec.Containers[0].Name = "other";
        Assert.False(RedisObserver.IsOf(Region, node, pod));
        pod.Metadata.OwnerReferences =
        [
            new V1OwnerReference
            {
                Kind = "StatefulSet",
                Name = "eu-redis-1",
                Controller = true,
            },
        ];
        Assert.True(RedisObserver.IsOf(Region, node, pod));
        pod.Metadata.OwnerReferences[0].Name = "eu-redis-2";
        Assert.False(RedisObserver.IsOf(Region, node, pod));
    }

    [Fact]
    public void PodsOf_StatefulSetScaledByHand_HasNoMoreThanAnySpecificationAsksFor()
    {
        Assert.Equal(7, RedisNames.PodsOf(Region, new Dictionary<int, int> { [0] = 1_000 }).Count);
        Assert.Equal(6, RedisNames.PodsOf(Region, new Dictionary<int, int> { [0] = 0 }).Count);
    }

    [Fact]
    public void Pods_HaveNoRightsAndMountNoKeyOfAnAuthority()
    {
        var pod = RedisResources.BuildShard(Region, 0, 2).Spec.Template.Spec;

        Assert.False(pod.AutomountServiceAccountToken);
        Assert.True(pod.SecurityContext.RunAsNonRoot);
        Assert.True(pod.Containers[0].SecurityContext is { ReadOnlyRootFilesystem: true, AllowPrivilegeEscalation: false });
        var tls = pod.Volumes.Single(volume => volume.Name == "tls").Secret;
        Assert.Equal(["tls.crt", "tls.key", "ca-bundle.crt"], tls.Items.Select(item => item.Key));
        // 0440: nobody but the container's user and group reads keys and passwords.
        Assert.All(pod.Volumes.Where(volume => volume.Secret is not null), volume => Assert.Equal(288, volume.Secret.DefaultMode));
    }

    [Fact]
    public void Connection_NamesAllPods_AndNoAddress()
    {
        var text = RedisSecrets.ConnectionOf(Region, "secret");

        Assert.StartsWith("eu-redis-0-0.eu-redis.shop.svc:6379,eu-redis-0-1.eu-redis.shop.svc:6379,eu-redis-1-0", text, StringComparison.Ordinal);
        Assert.EndsWith(",password=secret,ssl=true,sslHost=eu-redis.shop.svc,abortConnect=false", text, StringComparison.Ordinal);
        Assert.Equal(6, StackExchange.Redis.ConfigurationOptions.Parse(text).EndPoints.Count);
    }

    [Theory]
    [InlineData(1_750, 0)]
    [InlineData(1_751, 1)]
    public void NodeTimeout_TooLongForAFastFailover_IsWarnedAbout(int millis, int warnings) =>
        Assert.Equal(
            warnings,
            RedisRules
                .Warnings(Region.Spec with { Redis = Region.Spec.Redis! with { NodeTimeoutMillis = millis } })
                .Count(one => one.Contains("nodeTimeoutMillis", StringComparison.Ordinal))
        );
}
