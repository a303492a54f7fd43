using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Loading;

/// <summary>Builds the objects of a region's loaders. Pure; each object has only the fields that the operator owns.</summary>
internal static class LoaderResources
{
    // Maximum number of loaders that evictions may make unavailable.
    private const int MostUnavailable = 1;

    /// <summary>Name of the Deployment and its related objects.</summary>
    public static string NameOf(V1Alpha1ShortenerRegion region) => Names.Of(region.Metadata.Name, Names.Clicks);

    /// <summary>Settings of the loaders in addition to those of the region.</summary>
    public static Dictionary<string, string> Settings(V1Alpha1ShortenerRegion region) =>
        new(Labels.Merge(ClickEvents.ConnectionOf(region), Analytics.SettingsOf(region)))
        {
            [SettingNames.Role] = RoleNames.Clicks,
            // Nothing else waits for these tables: while ClickHouse is away, the region must be able to take a new image.
            [SettingNames.ClickHouseMigrateOnStart] = "true",
        };

    /// <summary>The Deployment, with replicas: it has no autoscaler.</summary>
    /// <param name="region">The region.</param>
    /// <param name="process">The process in the pods.</param>
    /// <param name="replicas">Loaders.</param>
    public static V1Deployment BuildDeployment(V1Alpha1ShortenerRegion region, RuntimeProcess process, int replicas)
    {
        var metadata = Metadata(region);
        metadata.Labels = Labels.WithVersion(metadata.Labels, process.Image);
        return new V1Deployment { Metadata = metadata, Spec = Workload.BuildDeployment(SelectorOf(region), RuntimePod.Build(region, process), replicas) };
    }

    /// <summary>Limits how many loaders a drain of nodes evicts at once.</summary>
    public static V1PodDisruptionBudget BuildDisruptionBudget(V1Alpha1ShortenerRegion region) =>
        new() { Metadata = Metadata(region), Spec = Workload.BuildDisruptionBudget(SelectorOf(region), MostUnavailable) };

    /// <summary>Admits connections from the operator and Prometheus, in any namespace, and no others.</summary>
    public static V1NetworkPolicy BuildNetworkPolicy(V1Alpha1ShortenerRegion region) =>
        new() { Metadata = Metadata(region), Spec = Workload.BuildNetworkPolicy(SelectorOf(region), isPublic: false) };

    private static Dictionary<string, string> SelectorOf(V1Alpha1ShortenerRegion region) => Labels.SelectorOf(region.Metadata.Name, Names.Clicks);

    private static V1ObjectMeta Metadata(V1Alpha1ShortenerRegion region) => Owned.Metadata(region, Names.Clicks, Names.Clicks);
}
