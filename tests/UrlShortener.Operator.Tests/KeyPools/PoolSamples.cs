using System.Text;
using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.KeyPools;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Regions;

namespace UrlShortener.Operator.Tests.KeyPools;

/// <summary>A pool that is as it should be, and what is observed of it.</summary>
internal static class PoolSamples
{
    public static readonly DateTimeOffset Now = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);

    public static V1Alpha1KeyPool Pool(string name = "keys", int age = 0) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                NamespaceProperty = "space",
                Uid = $"uid-{name}",
                Generation = 1,
                CreationTimestamp = Now.UtcDateTime.AddHours(-age),
            },
            Spec = new KeyPoolSpec
            {
                RegionRef = new ObjectName { Name = "eu" },
                TargetAvailable = 10_000,
                LowWatermark = 4_000,
                CriticalWatermark = 1_000,
                BatchSize = 1_000,
            },
        };

    public static V1Alpha1ShortenerRegion Region()
    {
        var spec = SpecJson.MinimalRegion();
        return new V1Alpha1ShortenerRegion
        {
            Metadata = new V1ObjectMeta
            {
                Name = "eu",
                NamespaceProperty = "space",
                Uid = "uid-eu",
                Generation = 1,
            },
            Spec = spec with { Connections = spec.Connections with { RedisSecretRef = new ConnectionSecretRef { Name = "redis" } } },
        };
    }

    /// <summary>All is there, and the workers run.</summary>
    public static ObservedKeyPool Observed(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion? region = null)
    {
        region ??= Region();
        var secrets = new[] { Secret("postgres", "connectionString"), Secret("redis", "connectionString"), Token(pool) }.ToDictionary(secret =>
            secret.Metadata.Name
        );
        return new ObservedKeyPool
        {
            Siblings = [pool],
            Region = region,
            Secrets = secrets,
            ServiceAccount = new V1ServiceAccount(),
            Settings = new V1ConfigMap { Data = new Dictionary<string, string>(RuntimeEnvironment.Plain(region)) },
            App = new V1Deployment
            {
                Metadata = new V1ObjectMeta { Annotations = new Dictionary<string, string> { [Labels.MigrationDigest] = MigrationOf(region, secrets) } },
            },
            Deployment = new V1Deployment
            {
                Metadata = new V1ObjectMeta { Generation = 1 },
                Spec = new V1DeploymentSpec
                {
                    Replicas = 2,
                    Template = new V1PodTemplateSpec { Spec = new V1PodSpec { Containers = [new V1Container { Image = region.Spec.App.Image }] } },
                },
                Status = new V1DeploymentStatus
                {
                    ObservedGeneration = 1,
                    Replicas = 2,
                    ReadyReplicas = 2,
                    UpdatedReplicas = 2,
                    AvailableReplicas = 2,
                },
            },
            Answer = new KgsAnswer(Reading(9_900), null),
            AskedWorker = new V1Pod(),
        };
    }

    public static KeyGenerationStatus Reading(long? level) =>
        new()
        {
            Level = level,
            State = KeyGenerationPhase.Idle,
            TargetLevel = 10_000,
            Epoch = 3,
            KeyspaceUsedShare = 0.000_001,
        };

    public static V1Secret Secret(string name, string key) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name },
            Data = new Dictionary<string, byte[]> { [key] = Encoding.UTF8.GetBytes("digest") },
        };

    private static V1Secret Token(V1Alpha1KeyPool pool)
    {
        var secret = KgsResources.BuildToken(pool, Region());
        SecretDigests.Apply(secret);
        return secret;
    }

    private static string MigrationOf(V1Alpha1ShortenerRegion region, Dictionary<string, V1Secret> secrets) =>
        Migration.Of(region, secrets, app: null, jobs: []).Digest;
}
