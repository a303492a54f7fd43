using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.KeyPools;

/// <summary>Builds the objects of a pool's workers. Pure except for the token; each object has only the fields that the operator owns.</summary>
internal static class KgsResources
{
    /// <summary>Key of the token in its Secret.</summary>
    public const string TokenKey = "token";

    private const int TokenLength = 64;
    private const string TokenAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    // Maximum number of workers that evictions may make unavailable.
    private const int MostUnavailable = 1;

    /// <summary>Name of the Deployment and its related objects.</summary>
    public static string NameOf(V1Alpha1KeyPool pool) => Names.Of(pool.Metadata.Name, Names.Kgs);

    /// <summary>Name of the Secret with the token that the operator creates.</summary>
    public static string TokenNameOf(V1Alpha1KeyPool pool) => Names.Of(pool.Metadata.Name, TokenSuffix);

    /// <summary>Settings of the workers in addition to those of the region.</summary>
    public static Dictionary<string, string> Settings(KeyPoolSpec spec) =>
        new()
        {
            [SettingNames.Role] = RoleNames.Kgs,
            [SettingNames.KgsTargetLevel] = Text(spec.TargetAvailable),
            [SettingNames.KgsLowWatermark] = Text(spec.LowWatermark),
            [SettingNames.KgsCriticalWatermark] = Text(spec.CriticalWatermark),
            [SettingNames.KgsBatchSize] = Text(spec.BatchSize),
            [SettingNames.KgsWorkers] = Text(spec.MaxParallelBatches),
            [SettingNames.KgsMaxKeysPerSecond] = Text(spec.MaxCodesPerSecond),
        };

    /// <summary>The Deployment, with replicas: it has no autoscaler.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="region">Its region.</param>
    /// <param name="process">The process in the pods.</param>
    /// <param name="replicas">Workers.</param>
    public static V1Deployment BuildDeployment(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion region, RuntimeProcess process, int replicas)
    {
        var metadata = Metadata(pool, region, Names.Kgs);
        metadata.Labels = Labels.WithVersion(metadata.Labels, process.Image);
        return new V1Deployment { Metadata = metadata, Spec = Workload.BuildDeployment(SelectorOf(pool), RuntimePod.Build(region, process), replicas) };
    }

    /// <summary>The Service in front of the workers.</summary>
    public static V1Service BuildService(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion region) =>
        new() { Metadata = Metadata(pool, region, Names.Kgs), Spec = Workload.BuildService(SelectorOf(pool), "ClusterIP", port: 80) };

    /// <summary>Limits how many workers a drain of nodes evicts at once.</summary>
    public static V1PodDisruptionBudget BuildDisruptionBudget(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion region) =>
        new() { Metadata = Metadata(pool, region, Names.Kgs), Spec = Workload.BuildDisruptionBudget(SelectorOf(pool), MostUnavailable) };

    /// <summary>Admits connections from the operator and Prometheus, in any namespace, and no others.</summary>
    public static V1NetworkPolicy BuildNetworkPolicy(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion region) =>
        new() { Metadata = Metadata(pool, region, Names.Kgs), Spec = Workload.BuildNetworkPolicy(SelectorOf(pool), isPublic: false) };

    /// <summary>A Secret with a new token.</summary>
    public static V1Secret BuildToken(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion region) =>
        new()
        {
            Metadata = Metadata(pool, region, TokenSuffix),
            Type = "Opaque",
            Data = new Dictionary<string, byte[]> { [TokenKey] = Encoding.ASCII.GetBytes(RandomNumberGenerator.GetString(TokenAlphabet, TokenLength)) },
        };

    /// <summary>
    /// Whether a Secret with the token is the operator's. A Secret that has lost its owner gets no new one, because the operator may not change Secrets. It
    /// outlives the pool.
    /// </summary>
    public static bool IsOwnToken(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion region, V1Secret secret) =>
        Owned.IsControlledBy(secret, pool) || Owned.IsOrphan(secret, new V1Secret { Metadata = Metadata(pool, region, TokenSuffix) });

    /// <summary>Label selector of the workers' pods.</summary>
    public static Dictionary<string, string> SelectorOf(V1Alpha1KeyPool pool) => Labels.SelectorOf(pool.Metadata.Name, Names.Kgs);

    private const string TokenSuffix = $"{Names.Kgs}-token";

    private static V1ObjectMeta Metadata(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion region, string suffix) =>
        Owned.Metadata(pool, suffix, Names.Kgs, region.Spec.Region);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
