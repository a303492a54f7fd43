using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Regions;

namespace UrlShortener.Operator.Traffic;

/// <summary>Registers the controller of traffic.</summary>
internal static class TrafficServices
{
    // Most of a reconcile is waiting for pods that do not answer.
    private const int Workers = 16;

    /// <summary>Adds the controller. It shares the caches of the controller of regions, which must be added too.</summary>
    public static IServiceCollection AddTrafficController(this IServiceCollection services)
    {
        TrafficMetrics.Prepare();
        services.AddInformer<V1Alpha1ShortenerRegion>(informer => informer.Indexers[TrafficObserver.ByHostname] = TrafficObserver.HostnamesOf);
        services.AddInformer<V1Alpha1DnsEndpoint>(informer =>
        {
            informer.LabelSelector = Labels.ManagedSelector;
            informer.Optional = true;
        });
        services.AddInformer<V1HttpRoute>(informer =>
        {
            informer.LabelSelector = Labels.ManagedSelector;
            informer.Optional = true;
        });
        services.AddSingleton<TrafficTiming>();
        services.AddSingleton<TrafficObserver>();
        services.AddSingleton(_ => new TrafficProbe(
            new HttpClient(
                new SocketsHttpHandler
                {
                    UseProxy = false,
                    AllowAutoRedirect = false,
                    PooledConnectionLifetime = TimeSpan.FromMinutes(1),
                }
            )
            {
                Timeout = TrafficProbe.Timeout,
            }
        ));
        return services.AddController<V1Alpha1ShortenerRegion, TrafficController>(controller =>
        {
            controller.Name = Names.Traffic;
            controller.Takes = region => !region.IsRemote;
            controller.Workers = Workers;
            controller
                .Owns<V1Alpha1DnsEndpoint>()
                .Owns<V1HttpRoute>()
                .Owns<V1Service>()
                .Watches<V1Alpha1DnsEndpoint>(FindGroup)
                .Watches<V1Pod>(FindOf, change => change.Old is null || change.New is null || AppProbe.IsReady(change.Old) != AppProbe.IsReady(change.New))
                .Watches<V1Alpha1ShortenerRegion>(FindConcerned, IsNews);
        });
    }

    // One region writes the records, and all say whether they are confirmed.
    private static IEnumerable<ObjectKey> FindGroup(V1Alpha1DnsEndpoint dns, ObjectCache<V1Alpha1ShortenerRegion> regions) =>
        EntityChange.FindController<V1Alpha1ShortenerRegion>(dns) is { } key && regions.TryGet(key, out var owner)
            ? regions.GetBy(RegionIndex.ByGroup, owner.Spec.Group).Select(ObjectKey.Of)
            : [];

    private static IEnumerable<ObjectKey> FindOf(V1Pod pod, ObjectCache<V1Alpha1ShortenerRegion> regions)
    {
        var key = new ObjectKey(pod.Metadata.NamespaceProperty, Labels.InstanceOf(pod.Metadata) ?? "");
        return Labels.ComponentOf(pod.Metadata) == Names.App && regions.TryGet(key, out var region) && Publishes(region) ? [key] : [];
    }

    // The others of its group, and those of other groups that ask for the same host names.
    private static IEnumerable<ObjectKey> FindConcerned(V1Alpha1ShortenerRegion region, ObjectCache<V1Alpha1ShortenerRegion> regions) =>
        regions
            .GetBy(RegionIndex.ByGroup, region.Spec.Group)
            .Concat(region.Spec.Traffic.Hostnames.SelectMany(name => regions.GetBy(TrafficObserver.ByHostname, name)))
            .Where(other => other.Metadata.Uid != region.Metadata.Uid)
            .Select(ObjectKey.Of)
            .Distinct();

    private static bool IsNews(ObjectChange<V1Alpha1ShortenerRegion> change)
    {
        if (change is not { Old: { } old, New: { } current })
            return Publishes(change.Newest);
        return (Publishes(old) || Publishes(current))
            && (
                old.Metadata.Generation != current.Metadata.Generation
                || old.Metadata.DeletionTimestamp != current.Metadata.DeletionTimestamp
                || !(current.Status?.Traffic?.IsSame(old.Status?.Traffic) ?? old.Status?.Traffic is null)
            );
    }

    private static bool Publishes(V1Alpha1ShortenerRegion region) => region.Spec.Traffic.UsesDns() || region.Spec.Traffic.UsesRoute();
}
