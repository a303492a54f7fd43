using System.Text.Json.Nodes;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.KeyPools;
using UrlShortener.Operator.Regions.Validation;
using UrlShortener.Operator.Validation;
using Xunit;

namespace UrlShortener.Operator.Tests.Validation;

public sealed class WarningTests
{
    private const string Redis = """{"connections": {"redisSecretRef": {"name": "redis"}}}""";

    [Fact]
    public void Warnings_MinimalRegionWithRedis_None() => Assert.Empty(WarningsOf(Redis));

    [Theory]
    [InlineData("""{}""", "Without Redis")]
    [InlineData("""{"app": {"image": "registry.example:5000/shortener"}}""", "spec.app.image is registry.example:5000/shortener")]
    [InlineData("""{"app": {"image": "shortener:latest"}}""", "Use a tag of a release, or a digest.")]
    [InlineData("""{"app": {"minReplicas": 1}}""", "spec.app.minReplicas is 1")]
    [InlineData("""{"app": {"standbyMinReplicas": 0}}""", "spec.app.standbyMinReplicas is 0")]
    [InlineData("""{"app": {"resources": {"requests": {"memory": "1Mi"}}}}""", "has no cpu")]
    [InlineData("""{"suspend": "Full"}""", "will not fail over either")]
    [InlineData("""{"redis": {"nodeTimeoutMillis": 5000}}""", "spec.redis.nodeTimeoutMillis is 5000: above 1750 a failover may take longer than 5 seconds.")]
    [InlineData("""{"postgres": {"durability": "Async"}}""", "spec.postgres.durability is Async")]
    [InlineData("""{"postgres": {"patroni": {"primaryStartTimeout": 0}}}""", "primaryStartTimeout is 0")]
    [InlineData("""{"traffic": {"weight": 0}}""", "gets no traffic")]
    [InlineData("""{"traffic": {"publicBaseUrl": "http://sho.rt"}}""", "Use https.")]
    [InlineData("""{"failover": {"dataLossPolicy": "Allow"}}""", "spec.failover.dataLossPolicy is Allow")]
    [InlineData("""{"drain": true}""", "spec.drain: does not work in this version")]
    public void Warnings_HardlyMeant_Told(string patch, string part) =>
        Assert.Contains(WarningsOf(patch), warning => warning.Contains(part, StringComparison.Ordinal));

    [Theory]
    [InlineData("shortener@sha256:0123")]
    [InlineData("registry.example:5000/shortener:1.2.3")]
    public void Warnings_PinnedImage_None(string image) => Assert.Null(ImageNames.WarnAbout("spec.app.image", image));

    [Fact]
    public void Warnings_KeyPoolWithOneWorkerOfTheLatestImage_Told()
    {
        var spec = SpecJson.Merge(SpecJson.Minimal(V1Alpha1KeyPool.KubeKind), JsonNode.Parse("""{"kgs": {"minReplicas": 1, "image": "a:latest"}}"""))!;
        Assert.Equal(2, KeyPoolRules.Warnings(SpecJson.Read<KeyPoolSpec>(spec)).Count);
    }

    [Fact]
    public void Unsupported_MinimalRegion_None() => Assert.Empty(UnsupportedFields.Find(SpecJson.MinimalRegion()));

    [Theory]
    [InlineData("""{"postgres": {}}""", "spec.postgres")]
    [InlineData("""{"redis": {}}""", "spec.redis")]
    [InlineData("""{"cluster": {"namespace": "a"}}""", "spec.cluster")]
    [InlineData("""{"kafka": {"bootstrapServers": ["a:9092"]}}""", "spec.kafka")]
    [InlineData("""{"clickhouse": {"endpoints": ["a:8123"]}}""", "spec.clickhouse")]
    [InlineData("""{"traffic": {"mode": "DNSEndpoint"}}""", "spec.traffic.mode")]
    public void Unsupported_FieldOfALaterVersion_Named(string patch, string field) =>
        Assert.Equal(field, Assert.Single(UnsupportedFields.Find(Region(patch))).Field);

    private static IReadOnlyList<string> WarningsOf(string patch) => RegionRules.Warnings(Region(patch));

    private static RegionSpec Region(string patch) => SpecJson.Read<RegionSpec>(SpecJson.Merge(SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind), JsonNode.Parse(patch))!);
}
