using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Backups;

/// <summary>Registers the controller of backups.</summary>
internal static class BackupServices
{
    // Index of regions by the Secret with the key of their storage.
    private const string BySecret = "backupSecret";

    private const int Workers = 8;

    /// <summary>Adds the controller. It shares the caches of the controllers of regions and of PostgreSQL, which must be added too.</summary>
    public static IServiceCollection AddBackupController(this IServiceCollection services)
    {
        BackupMetrics.Prepare();
        services.AddInformer<V1Alpha1ShortenerRegion>(informer =>
            informer.Indexers[BySecret] = region =>
                region.Spec.Postgres?.Backup?.Repository.SecretRef is { } secret ? [$"{region.Metadata.NamespaceProperty}/{secret.Name}"] : []
        );
        services.AddSingleton<BackupTiming>();
        services.AddSingleton<BackupObserver>();
        return services.AddController<V1Alpha1ShortenerRegion, BackupController>(controller =>
        {
            controller.Name = Names.Backup;
            controller.Takes = region => !region.IsRemote;
            controller.Workers = Workers;
            // The path of a repository has the identifier of the database, and a backup reads the primary.
            controller.IsRelevantStatus = (former, current) =>
                former.Status?.Postgres?.SystemIdentifier != current.Status?.Postgres?.SystemIdentifier
                || former.Status?.Postgres?.Primary != current.Status?.Postgres?.Primary;
            controller
                .Owns<V1Job>()
                .Owns<V1Secret>()
                .Watches<V1Secret>(FindBy)
                .Watches<V1Pod>(FindOf, change => change.New?.Status?.Phase is "Succeeded" or "Failed");
        });
    }

    private static IEnumerable<ObjectKey> FindOf(V1Pod pod, ObjectCache<V1Alpha1ShortenerRegion> regions)
    {
        var key = new ObjectKey(pod.Metadata.NamespaceProperty, Labels.InstanceOf(pod.Metadata) ?? "");
        return Labels.ComponentOf(pod.Metadata) == Names.Backup && regions.TryGet(key, out _) ? [key] : [];
    }

    private static IEnumerable<ObjectKey> FindBy(V1Secret secret, ObjectCache<V1Alpha1ShortenerRegion> regions) =>
        regions.GetBy(BySecret, $"{secret.Metadata.NamespaceProperty}/{secret.Metadata.Name}").Select(ObjectKey.Of);
}
