using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Postgres;

namespace UrlShortener.Operator.Backups;

/// <summary>Observes the backups of a region: reads the caches and asks the primary.</summary>
internal sealed class BackupObserver(Informer<V1Secret> secrets, Informer<V1Job> jobs, Informer<V1Pod> pods, BackupTiming timing)
{
    /// <summary>Reads the observed state.</summary>
    /// <param name="region">The region.</param>
    /// <param name="connections">Connections to the members; null: none is asked.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    public async Task<ObservedBackups> ObserveAsync(V1Alpha1ShortenerRegion region, MemberConnections? connections, CancellationToken cancellationToken)
    {
        var (space, key) = (
            region.Metadata.NamespaceProperty,
            PodIndex.InstanceKey(region.Metadata.NamespaceProperty, Labels.InstanceValue(region.Metadata.Name))
        );
        List<V1Job> own =
        [
            .. jobs
                .Cache.GetBy(PodIndex.ByInstance, key)
                .Where(job => Labels.ComponentOf(job.Metadata) == Names.Backup && Owned.IsControlledBy(job, region))
                .OrderBy(job => job.Metadata.CreationTimestamp)
                .ThenBy(job => job.Metadata.Name, StringComparer.Ordinal),
        ];
        var names = own.Select(job => job.Metadata.Name).ToHashSet(StringComparer.Ordinal);
        var regionPods = pods.Cache.GetBy(PodIndex.ByInstance, key).ToList();
        var jobPods = regionPods.Where(pod => PodOwner.JobOf(pod) is { } job && names.Contains(job)).ToList();
        var primary = regionPods.FirstOrDefault(pod =>
            pod.Metadata.Name == region.Status?.Postgres?.Primary
            && PodOwner.IsOfStatefulSet(pod, PostgresNames.ScopeOf(region))
            && pod.Status?.PodIP is not null
        );
        return new ObservedBackups
        {
            Timing = timing,
            Jobs = own,
            Pods = jobPods,
            Reports = jobPods
                .Select(pod => (Job: PodOwner.JobOf(pod)!, Text: pod.Status?.ContainerStatuses?.FirstOrDefault()?.State?.Terminated?.Message))
                .Where(report => report.Text is not null)
                .DistinctBy(report => report.Job)
                .ToDictionary(report => report.Job, report => report.Text!, StringComparer.Ordinal),
            Credentials = region.Spec.Postgres?.Backup?.Repository.SecretRef is { } secret ? Find(secrets, space, secret.Name) : null,
            Configuration = Find(secrets, space, PostgresArchiving.SecretOf(region)),
            RestoreConfiguration = region.Spec.Postgres?.Restore is null ? null : Find(secrets, space, BackupRepository.RestoreSecretOf(region)),
            Primary = primary,
            Archiver = primary is not null && connections is not null ? await ArchiverClient.AskAsync(primary, connections, cancellationToken) : null,
        };
    }

    private static T? Find<T>(Informer<T> informer, string space, string name)
        where T : class, IKubernetesObject<V1ObjectMeta> => informer.Cache.TryGet(new ObjectKey(space, name), out var found) ? found : null;
}
