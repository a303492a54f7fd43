using k8s;
using k8s.Models;
using UrlShortener.Operator.Backups;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.KeyPools;
using UrlShortener.Operator.Regions.Validation;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Installation;

/// <summary>The samples that users begin with.</summary>
public sealed class SampleTests(ApiServerFixture servers)
{
    private const string Minimal = "config/samples/minimal.yaml";
    private const string Regions = "config/samples/regions.yaml";
    private const string Stores = "config/samples/stores.yaml";
    private const string Failover = "config/samples/failover.yaml";
    private const string BackupVolume = "config/samples/backup-volume.yaml";

    private const string Kafka = "config/samples/kafka.yaml";
    private const string ClickHouse = "config/samples/clickhouse.yaml";

    public static TheoryData<string> Files => [Minimal, Regions, Stores, Failover, BackupVolume, Kafka, ClickHouse];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Sample_AtAnApiServer_IsTakenAndBreaksNoRule(string file)
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("sample", TestContext.Current.CancellationToken);
        foreach (var item in ManifestFile.Read(file))
        {
            Assert.Equal(InstalledCluster.RegionNamespace, (string?)item["metadata"]!["namespace"]);
            item["metadata"]!["namespace"] = space.Name;
            if ((string?)item["kind"] == V1PersistentVolumeClaim.KubeKind)
            {
                var claim = KubernetesJson.Deserialize<V1PersistentVolumeClaim>(item.ToJsonString());
                await client.CoreV1.CreateNamespacedPersistentVolumeClaimAsync(claim, space.Name, cancellationToken: TestContext.Current.CancellationToken);
                continue;
            }

            var stored = await client.CreateAsync(item);
            if ((string?)item["kind"] == V1Alpha1KeyPool.KubeKind)
            {
                var pool = SpecJson.Read<KeyPoolSpec>(stored["spec"]!);
                Assert.Empty(KeyPoolRules.Check(pool));
                Assert.Empty(KeyPoolRules.Warnings(pool));
            }
            else
            {
                var region = SpecJson.Read<RegionSpec>(stored["spec"]!);
                Assert.Empty(RegionRules.Check(region).Concat(BackupRules.Check(region)));
                Assert.Empty(RegionRules.Warnings(region));
            }
        }
    }

    [Fact]
    public void Regions_OfTheSample_HaveTheNumbersOfTheSpecification() =>
        Assert.Equal(
            [("us-east", 3, 50), ("us-west", 3, 50), ("eu-west", 2, 30)],
            ManifestFile
                .Read(Regions)
                .Where(item => (string?)item["kind"] == V1Alpha1ShortenerRegion.KubeKind)
                .Select(item => SpecJson.Read<RegionSpec>(item["spec"]!))
                .Select(region => (region.Region, region.App.MinReplicas, region.App.MaxReplicas))
        );

    [Fact]
    public void KeyPools_OfTheSample_HaveTheNumbersOfTheSpecification()
    {
        var pools = ManifestFile.Read(Regions).Where(item => (string?)item["kind"] == V1Alpha1KeyPool.KubeKind).ToList();
        Assert.Equal(["us-east", "us-west", "eu-west"], pools.Select(pool => (string?)pool["spec"]!["regionRef"]!["name"]));
        Assert.All(
            pools,
            pool =>
            {
                var spec = SpecJson.Read<KeyPoolSpec>(pool["spec"]!);
                Assert.Equal((1_000_000, 100_000, 10_000), (spec.TargetAvailable, spec.LowWatermark, spec.CriticalWatermark));
            }
        );
    }

    [Fact]
    public async Task Images_OfTheSamples_AreSetInOnePlace()
    {
        var cluster = await servers.GetAsync();
        Assert.SkipUnless(cluster.IsLocal, "Needs kubectl beside a local control plane.");
        var folder = ServerFolder.Create(onDisk: true);
        try
        {
            var samples = Path.GetRelativePath(folder.FullName, Checkout.PathOf("config/samples"));
            await File.WriteAllTextAsync(
                Path.Combine(folder.FullName, "kustomization.yaml"),
                $$"""
                resources: [{{samples}}]
                images: [{name: localhost/url-shortener-runtime, newName: registry.example/team/runtime, newTag: "2.0"}]
                configurations: [images.yaml]
                """,
                TestContext.Current.CancellationToken
            );
            File.Copy(Checkout.PathOf("config/samples/images.yaml"), Path.Combine(folder.FullName, "images.yaml"));
            var made = ManifestFile.Parse(await cluster.RunKubectlAsync(["kustomize", folder.FullName], TestContext.Current.CancellationToken));
            var region = made.Single(item => (string?)item["kind"] == V1Alpha1ShortenerRegion.KubeKind);
            Assert.Equal("registry.example/team/runtime:2.0", (string?)region["spec"]!["app"]!["image"]);
            Assert.Equal(ManifestFile.Read(Minimal).Count, made.Count);
        }
        finally
        {
            folder.Delete();
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Sample_OfSecrets_HoldsNone(string file) => Assert.DoesNotContain(ManifestFile.Read(file), item => (string?)item["kind"] == "Secret");
}
