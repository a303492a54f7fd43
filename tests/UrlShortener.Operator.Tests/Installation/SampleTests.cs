using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.KeyPools;
using UrlShortener.Operator.Regions.Validation;
using Xunit;

namespace UrlShortener.Operator.Tests.Installation;

/// <summary>The samples that users begin with.</summary>
public sealed class SampleTests(ApiServerFixture servers)
{
    private const string Regions = "config/samples/regions.yaml";

    public static TheoryData<string> Files => [.. ManifestFile.FilesIn("config/samples")];

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
                Assert.Empty(RegionRules.Check(region));
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

    [Theory]
    [MemberData(nameof(Files))]
    public void Sample_OfSecrets_HoldsNone(string file) => Assert.DoesNotContain(ManifestFile.Read(file), item => (string?)item["kind"] == "Secret");
}
