using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Postgres;

namespace UrlShortener.Operator.Failover;

/// <summary>Registers the controller that moves the primary role between regions, and its informers.</summary>
internal static class FailoverServices
{
    private const int Workers = 8;

    /// <summary>Adds the controller. It shares the caches of the controllers of regions and of PostgreSQL, which must be added too.</summary>
    public static IServiceCollection AddFailoverController(this IServiceCollection services)
    {
        FailoverMetrics.Prepare();
        services.AddInformer<V1Pod>(informer => informer.Indexers[GroupIndex.ByRegion] = GroupIndex.RegionOf);
        services.AddSingleton<GroupObserver>();
        services.AddSingleton<VoterClient>();
        services.AddSingleton(provider => new Agreement(
            provider.GetRequiredService<VoterClient>(),
            // A process that starts again has forgotten what it proposed.
            $"{Environment.MachineName}-{Guid.NewGuid():N}",
            provider.GetRequiredService<TimeProvider>()
        ));
        return services.AddController<V1Alpha1ShortenerRegion, FailoverController>(controller =>
        {
            controller.Name = "failover";
            controller.Takes = region => !region.IsRemote;
            controller.Workers = Workers;
            controller
                .Owns<V1RoleBinding>()
                .Watches<V1Alpha1ShortenerRegion>(FindGroup, IsNews)
                .Watches<V1ConfigMap>(FindGroup, IsNews)
                .Watches<V1Pod>(FindGroup, IsNews);
        });
    }

    private static IEnumerable<ObjectKey> FindGroup(V1Alpha1ShortenerRegion region, ObjectCache<V1Alpha1ShortenerRegion> regions) =>
        regions.GetBy(RegionIndex.ByGroup, region.Spec.Group).Where(other => other.Spec.Postgres is not null).Select(ObjectKey.Of);

    private static IEnumerable<ObjectKey> FindGroup(V1ConfigMap map, ObjectCache<V1Alpha1ShortenerRegion> regions) =>
        Labels.ComponentOf(map.Metadata) == VoterPlace.Component ? FindGroupOf(map.Metadata, regions) : [];

    private static IEnumerable<ObjectKey> FindGroup(V1Pod pod, ObjectCache<V1Alpha1ShortenerRegion> regions) =>
        Labels.ComponentOf(pod.Metadata) == PostgresNames.Component ? FindGroupOf(pod.Metadata, regions) : [];

    private static IEnumerable<ObjectKey> FindGroupOf(V1ObjectMeta part, ObjectCache<V1Alpha1ShortenerRegion> regions) =>
        regions.TryGet(new ObjectKey(part.NamespaceProperty, Labels.InstanceOf(part) ?? ""), out var region) ? FindGroup(region, regions) : [];

    // What a decision is made on, and is not asked for anew every few seconds.
    private static bool IsNews(ObjectChange<V1Alpha1ShortenerRegion> change) =>
        change is not { Old: { } old, New: { } current } || !ConcernOf(old).Equals(ConcernOf(current));

    private static object ConcernOf(V1Alpha1ShortenerRegion region) =>
        (
            region.Metadata.DeletionTimestamp,
            region.Metadata.Generation,
            Labels.AnnotationOf(region.Metadata, Labels.Promote),
            Labels.AnnotationOf(region.Metadata, Labels.ForcePrimary),
            region.Status?.Topology?.PrimaryRegion,
            region.Status?.Postgres?.SystemIdentifier,
            region.Status?.Postgres?.Primary ?? region.Status?.Postgres?.StandbyLeader
        );

    private static bool IsNews(ObjectChange<V1ConfigMap> change) =>
        change is not { Old: { } old, New: { } current }
        || !(old.Data ?? new Dictionary<string, string>()).SequenceEqual(current.Data ?? new Dictionary<string, string>());

    private static bool IsNews(ObjectChange<V1Pod> change) =>
        change is not { Old: { } old, New: { } current }
        || Labels.AnnotationOf(old.Metadata, Labels.WriteGuard) != Labels.AnnotationOf(current.Metadata, Labels.WriteGuard);
}
