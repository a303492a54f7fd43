using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Loading;

/// <summary>Registers the controller of loaders.</summary>
internal static class LoaderServices
{
    private const int Workers = 8;

    /// <summary>Adds the controller of loaders, to the informers of the controller of regions.</summary>
    public static IServiceCollection AddLoaderController(this IServiceCollection services)
    {
        services.AddSingleton<LoaderObserver>();
        return services.AddController<V1Alpha1ShortenerRegion, LoaderController>(controller =>
        {
            controller.Name = "loaders";
            controller.Takes = region => !region.IsRemote;
            controller.Workers = Workers;
            controller
                .Owns<V1Deployment>()
                .Owns<V1ServiceAccount>()
                .Owns<V1ConfigMap>()
                .Owns<V1Job>()
                .Owns<V1NetworkPolicy>()
                .Owns<V1PodDisruptionBudget>()
                .Watches<V1Secret>(FindBySecret)
                .Watches<V1Pod>(FindOf);
        });
    }

    private static IEnumerable<ObjectKey> FindBySecret(V1Secret secret, ObjectCache<V1Alpha1ShortenerRegion> regions) =>
        Regions.RegionServices.FindBySecret(regions, secret).Where(region => region.Spec.ClickHouse is not null).Select(ObjectKey.Of);

    private static IEnumerable<ObjectKey> FindOf(V1Pod pod, ObjectCache<V1Alpha1ShortenerRegion> regions)
    {
        var key = new ObjectKey(pod.Metadata.NamespaceProperty, Labels.InstanceOf(pod.Metadata) ?? "");
        return Labels.ComponentOf(pod.Metadata) == Names.Clicks && regions.TryGet(key, out _) ? [key] : [];
    }
}
