using System.Text.Json.Nodes;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.KeyPools;
using UrlShortener.Operator.Redis;
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
    [InlineData("""{}""", "spec.connections.redisSecretRef is not set")]
    [InlineData("""{"app": {"image": "registry.example:5000/shortener"}}""", "spec.app.image is registry.example:5000/shortener")]
    [InlineData("""{"app": {"image": "shortener:latest"}}""", "Use a release tag or a digest.")]
    [InlineData("""{"app": {"minReplicas": 1}}""", "spec.app.minReplicas is 1")]
    [InlineData("""{"app": {"standbyMinReplicas": 0}}""", "spec.app.standbyMinReplicas is 0")]
    [InlineData("""{"app": {"resources": {"requests": {"memory": "1Mi"}}}}""", "has no cpu")]
    [InlineData("""{"traffic": {"publicBaseUrl": "http://sho.rt"}}""", "Use https.")]
    [InlineData("""{"kafka": {}}""", "spec.kafka.bootstrapServers is empty")]
    [InlineData("""{"traffic": {"mode": "DNSEndpoint"}}""", "spec.traffic.targets is not set")]
    public void Warnings_ProbablyUnintended_Returned(string patch, string part) =>
        Assert.Contains(WarningsOf(patch), warning => warning.Contains(part, StringComparison.Ordinal));

    [Theory]
    [InlineData("""{"redis": {"image": "redis"}}""", "spec.redis.image is redis")]
    [InlineData("""{"redis": {"image": "redis:7.2", "nodeTimeoutMillis": 15000}}""", "spec.redis.nodeTimeoutMillis is 15000")]
    [InlineData("""{"redis": {"image": "redis:7.2", "maxMemory": "400Mi"}}""", "one and a half times spec.redis.maxMemory")]
    [InlineData("""{"redis": {"image": "redis:7.2", "resources": {"requests": {"memory": "200Mi"}}}}""", "spec.redis.resources.requests has memory 200Mi")]
    public void Warnings_Redis_Returned(string patch, string part) =>
        Assert.Contains(RedisRules.Warnings(Region(patch)), warning => warning.Contains(part, StringComparison.Ordinal));

    // The API server refuses it. An object of an earlier version of the definition may be stored without it.
    [Fact]
    public void Check_RegionWithoutPostgres_NamesTheField() =>
        Assert.Equal("spec.connections.postgresSecretRef", Assert.Single(RegionRules.Check(Region("""{"connections": null}"""))).Field);

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

    private static IReadOnlyList<string> WarningsOf(string patch) => RegionRules.Warnings(Region(patch));

    private static RegionSpec Region(string patch) =>
        SpecJson.Read<RegionSpec>(SpecJson.Merge(SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind), JsonNode.Parse(patch))!);
}
