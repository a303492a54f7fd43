using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Postgres;

/// <summary>Registers the controller of the regions' PostgreSQL and its informers.</summary>
internal static class PostgresServices
{
    private const int Workers = 16;

    /// <summary>Adds the controller. It shares the caches of the controller of regions, which must be added too.</summary>
    public static IServiceCollection AddPostgresController(this IServiceCollection services)
    {
        PostgresMetrics.Prepare();
        services.AddInformer<V1StatefulSet>(informer => informer.LabelSelector = Labels.ManagedSelector);
        services.AddInformer<V1RoleBinding>(informer => informer.LabelSelector = Labels.ManagedSelector);
        services.AddSingleton<StoreCertificates>();
        services.AddSingleton<PostgresObserver>();
        services.AddSingleton<PostgresProvisioner>();
        services.AddSingleton<PostgresActuator>();
        services.AddSingleton<ParameterReader>();
        return services.AddController<V1Alpha1ShortenerRegion, PostgresController>(controller =>
        {
            controller.Name = PostgresNames.Component;
            controller.Takes = region => !region.IsRemote;
            controller.Workers = Workers;
            controller
                .Owns<V1StatefulSet>()
                .Owns<V1ServiceAccount>()
                .Owns<V1RoleBinding>()
                .Owns<V1Service>()
                .Owns<V1NetworkPolicy>()
                .Owns<V1PodDisruptionBudget>()
                .Owns<V1Secret>()
                .Watches<V1Alpha1ShortenerRegion>(FindGroup, IsNews)
                .Watches<V1ConfigMap>(FindOf, IsNews)
                .Watches<V1Pod>(FindOf, IsNews);
        });
    }

    private static IEnumerable<ObjectKey> FindGroup(V1Alpha1ShortenerRegion region, ObjectCache<V1Alpha1ShortenerRegion> regions) =>
        regions.GetBy(RegionIndex.ByGroup, region.Spec.Group).Where(other => other.Spec.Postgres is not null).Select(ObjectKey.Of);

    // What other regions of the group, and the region itself, act on: the role, the database, the authorities and where the primary is.
    private static bool IsNews(ObjectChange<V1Alpha1ShortenerRegion> change) =>
        change is not { Old: { } old, New: { } current } || !ConcernOf(old).Equals(ConcernOf(current));

    private static object ConcernOf(V1Alpha1ShortenerRegion region) =>
        (
            region.Metadata.DeletionTimestamp,
            region.Status?.Role,
            region.Status?.Topology?.PrimaryRegion,
            region.Status?.Postgres?.SystemIdentifier,
            region.Status?.Postgres?.Authorities,
            region.Spec.Postgres?.ReplicationEndpoint,
            string.Join(',', region.Spec.Postgres?.TrustedNamespaces ?? []),
            region.Status?.Postgres?.WaitsAt,
            region.Status?.Postgres?.AppRole,
            region.Status?.Postgres?.StandbyLeader,
            string.Join(',', (region.Status?.Postgres?.Standbys ?? []).Select(standby => $"{standby.Region} {standby.State}"))
        );

    private static IEnumerable<ObjectKey> FindOf(IMetadata<V1ObjectMeta> member, ObjectCache<V1Alpha1ShortenerRegion> regions)
    {
        var key = new ObjectKey(member.Metadata.NamespaceProperty, Labels.InstanceOf(member.Metadata) ?? "");
        return Labels.ComponentOf(member.Metadata) == PostgresNames.Component && regions.TryGet(key, out _) ? [key] : [];
    }

    // Members renew the lock, and write their position into their pods, every few seconds.
    private static bool IsNews(ObjectChange<V1ConfigMap> change) =>
        change is not { Old: { } old, New: { } current }
        || PatroniLock.Of(old)!.Leader != PatroniLock.Of(current)!.Leader
        || Labels.AnnotationOf(old.Metadata, "config") != Labels.AnnotationOf(current.Metadata, "config")
        || Labels.AnnotationOf(old.Metadata, PatroniSynchrony.StandbysAnnotation) != Labels.AnnotationOf(current.Metadata, PatroniSynchrony.StandbysAnnotation)
        || Owned.HasController(old) != Owned.HasController(current)
        || !Same(old.Data, current.Data);

    /// <summary>Whether a change of a member's pod is one that the controller acts on.</summary>
    internal static bool IsNews(ObjectChange<V1Pod> change) =>
        change is not { Old: { } old, New: { } current }
        || old.Metadata.Uid != current.Metadata.Uid
        || old.Metadata.DeletionTimestamp != current.Metadata.DeletionTimestamp
        || old.Status?.Phase != current.Status?.Phase
        || old.Status?.PodIP != current.Status?.PodIP
        || !Same(old.Metadata.Labels, current.Metadata.Labels)
        || KubernetesJson.Serialize(old.Status?.ContainerStatuses ?? []) != KubernetesJson.Serialize(current.Status?.ContainerStatuses ?? []);

    private static bool Same(IDictionary<string, string>? one, IDictionary<string, string>? other) =>
        (one?.Count ?? 0) == (other?.Count ?? 0) && (one is null || one.All(pair => other!.TryGetValue(pair.Key, out var value) && value == pair.Value));
}
