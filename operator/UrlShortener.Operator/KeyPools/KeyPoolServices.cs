using k8s;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection.Extensions;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Regions;

namespace UrlShortener.Operator.KeyPools;

/// <summary>Registers the controller of pools and its informers.</summary>
internal static class KeyPoolServices
{
    private const int Workers = 16;

    /// <summary>Adds the controller of pools. It shares the caches of <see cref="RegionServices.AddRegionController"/>, which must be added too.</summary>
    public static IServiceCollection AddKeyPoolController(this IServiceCollection services)
    {
        services.AddSingleton(_ => new KgsClient(KgsClient.CreateHttp()));
        services.AddSingleton<KgsTokens>();
        services.AddSingleton<KeyPoolObserver>();
        services.TryAddSingleton(new KeyPoolTimings());
        return services.AddController<V1Alpha1KeyPool, KeyPoolController>(controller =>
        {
            // Like the controller of regions.
            controller.Workers = Workers;
            controller
                .Owns<V1Deployment>()
                .Owns<V1Service>()
                .Owns<V1Secret>()
                .Owns<V1NetworkPolicy>()
                .Owns<V1PodDisruptionBudget>()
                .Watches<V1Alpha1KeyPool>(FindSiblings)
                .Watches<V1Alpha1ShortenerRegion>((region, pools) => FindOfRegion(pools, ObjectKey.Of(region)))
                .Watches<V1ServiceAccount>(FindOfOwner)
                .Watches<V1ConfigMap>(FindOfOwner)
                .Watches<V1Deployment>(FindOfOwner)
                .Watches<V1Job>(FindOfOwner)
                // The region decides which Secrets the workers read. A namespace has few pools.
                .Watches<V1Secret>(
                    (secret, pools) => pools.GetAll().Where(pool => pool.Metadata.NamespaceProperty == secret.Metadata.NamespaceProperty).Select(ObjectKey.Of)
                );
        });
    }

    // The other pools of the region: one of them may become active.
    private static IEnumerable<ObjectKey> FindSiblings(V1Alpha1KeyPool pool, ObjectCache<V1Alpha1KeyPool> pools) =>
        FindOfRegion(pools, new ObjectKey(pool.Metadata.NamespaceProperty, pool.Spec.RegionRef.Name)).Where(key => key != ObjectKey.Of(pool));

    private static IEnumerable<ObjectKey> FindOfOwner<T>(T owned, ObjectCache<V1Alpha1KeyPool> pools)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        EntityChange.FindController<V1Alpha1ShortenerRegion>(owned) is { } region ? FindOfRegion(pools, region) : [];

    private static IEnumerable<ObjectKey> FindOfRegion(ObjectCache<V1Alpha1KeyPool> pools, ObjectKey region) =>
        pools.GetBy(RegionObserver.ByRegion, region.ToString()).Select(ObjectKey.Of);
}
