using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Regions;

/// <summary>Registers the controllers and their informers.</summary>
internal static class RegionServices
{
    // Index of regions by the Secrets and ConfigMaps that they reference.
    private const string BySecret = "secret";
    private const string ByConfigMap = "configMap";

    private const int Workers = 16;

    /// <summary>Adds the controller of regions.</summary>
    public static IServiceCollection AddRegionController(this IServiceCollection services)
    {
        services.AddInformer<V1Alpha1ShortenerRegion>(informer =>
        {
            informer.Indexers[RegionObserver.ByGroup] = region => [region.Spec.Group];
            informer.Indexers[BySecret] = region =>
                RuntimeEnvironment
                    .SecretsOf(region)
                    .Concat(ClickEvents.SecretsOf(region))
                    .Concat(Analytics.SecretsOf(region))
                    .Select(secret => KeyOf(region, secret.Name))
                    .Distinct();
            informer.Indexers[ByConfigMap] = region => region.Spec.App.BlocklistConfigMapRef is { } map ? [KeyOf(region, map.Name)] : [];
        });
        services.AddInformer<V1Alpha1KeyPool>(informer => informer.Indexers[RegionObserver.ByRegion] = pool => [KeyOf(pool, pool.Spec.RegionRef.Name)]);
        services.AddInformer<V1Secret>(informer => informer.Transform = SecretDigests.Apply);
        services.AddInformer<V1ConfigMap>(informer => informer.Transform = CacheTransforms.Apply);
        services.AddInformer<V1Pod>(informer =>
        {
            informer.LabelSelector = Labels.ManagedSelector;
            informer.Transform = CacheTransforms.Apply;
            informer.Indexers[PodIndex.ByInstance] = PodIndex.InstanceOf;
        });
        services.AddInformer<V1Job>(informer =>
        {
            informer.LabelSelector = Labels.ManagedSelector;
            informer.Indexers[RegionObserver.ByOwner] = RegionObserver.OwnersOf;
            informer.Indexers[PodIndex.ByInstance] = PodIndex.InstanceOf;
        });
        services
            .AddManagedInformer<V1ServiceAccount>()
            .AddManagedInformer<V1Deployment>()
            .AddManagedInformer<V1Service>()
            .AddManagedInformer<V1NetworkPolicy>();
        services.AddManagedInformer<V2HorizontalPodAutoscaler>().AddManagedInformer<V1PodDisruptionBudget>();
        services.AddManagedInformer<V1PodMonitor>().AddInformer<V1PodMonitor>(informer => informer.Optional = true);

        services.AddSingleton(_ => new AppProbe(
            new HttpClient(
                new SocketsHttpHandler
                {
                    UseProxy = false,
                    AllowAutoRedirect = false,
                    PooledConnectionLifetime = TimeSpan.FromMinutes(1),
                }
            )
            {
                Timeout = AppProbe.Timeout,
                MaxResponseContentBufferSize = AppProbe.MaxBytes,
            }
        ));
        services.AddSingleton<RegionObserver>();
        services.AddSingleton<Applier>();
        return services.AddController<V1Alpha1ShortenerRegion, ShortenerRegionController>(controller =>
        {
            controller.Takes = region => !region.IsRemote;
            // Most of a reconcile is waiting. Pods that the operator cannot reach take the whole time limit of their probe.
            controller.Workers = Workers;
            controller.IsRelevantStatus = (former, current) =>
                StoreReadiness.HasChanged(former, current) || former.Status?.Failover != current.Status?.Failover;
            controller
                .Owns<V1Deployment>()
                .Owns<V1Service>()
                .Owns<V1ServiceAccount>()
                .Owns<V1ConfigMap>()
                .Owns<V1NetworkPolicy>()
                .Owns<V1Job>()
                .Owns<V2HorizontalPodAutoscaler>()
                .Owns<V1PodDisruptionBudget>()
                .Owns<V1PodMonitor>()
                .Watches<V1Secret>((secret, regions) => FindBy(regions, BySecret, secret))
                .Watches<V1ConfigMap>((map, regions) => FindBy(regions, ByConfigMap, map))
                .Watches<V1Alpha1KeyPool>((pool, _) => [new ObjectKey(pool.Metadata.NamespaceProperty, pool.Spec.RegionRef.Name)])
                .Watches<V1Pod>((pod, regions) => FindOf(pod, regions))
                .Watches<V1Alpha1ShortenerRegion>(FindConcerned);
        });
    }

    /// <summary>The regions that reference a Secret.</summary>
    public static IEnumerable<V1Alpha1ShortenerRegion> FindBySecret(ObjectCache<V1Alpha1ShortenerRegion> regions, V1Secret secret) =>
        regions.GetBy(BySecret, KeyOf(secret, secret.Metadata.Name));

    private static IServiceCollection AddManagedInformer<T>(this IServiceCollection services)
        where T : class, IKubernetesObject<V1ObjectMeta> => services.AddInformer<T>(informer => informer.LabelSelector = Labels.ManagedSelector);

    private static IEnumerable<ObjectKey> FindBy(ObjectCache<V1Alpha1ShortenerRegion> regions, string index, IMetadata<V1ObjectMeta> named) =>
        regions.GetBy(index, KeyOf(named, named.Metadata.Name)).Select(ObjectKey.Of);

    // Regions of the group whose role changes with this region, including this one, or that conflict with it. If there is no primary, all regions of the
    // group, because no status shows which one is next.
    private static IEnumerable<ObjectKey> FindConcerned(V1Alpha1ShortenerRegion region, ObjectCache<V1Alpha1ShortenerRegion> regions)
    {
        var group = regions.GetBy(RegionObserver.ByGroup, region.Spec.Group);
        return group
            .Where(other => (other.Metadata.Uid != region.Metadata.Uid && other.Spec.Region == region.Spec.Region) || IsConcerned(other, group))
            .Select(ObjectKey.Of);
    }

    private static bool IsConcerned(V1Alpha1ShortenerRegion other, IReadOnlyList<V1Alpha1ShortenerRegion> group)
    {
        // The time affects only which region is next.
        var role = PrimaryRole.Of(other, group, DateTimeOffset.UnixEpoch);
        return role.Topology is { PrimaryRegion: null } || other.Status?.Role != role.Role || other.Status?.Topology?.Epoch != role.Topology?.Epoch;
    }

    // Pods have the name of their region as a label, unless it is too long.
    private static IEnumerable<ObjectKey> FindOf(V1Pod pod, ObjectCache<V1Alpha1ShortenerRegion> regions)
    {
        var instance = Labels.InstanceOf(pod.Metadata) ?? "";
        var key = new ObjectKey(pod.Metadata.NamespaceProperty, instance);
        return Labels.ComponentOf(pod.Metadata) is Names.App or Names.Migrate && regions.TryGet(key, out _) ? [key] : [];
    }

    private static string KeyOf(IMetadata<V1ObjectMeta> neighbour, string name) => $"{neighbour.Metadata.NamespaceProperty}/{name}";
}
