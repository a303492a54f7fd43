using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Regions;

/// <summary>Observes a region: reads the caches and asks a pod.</summary>
internal sealed class RegionObserver(
    Informer<V1Alpha1ShortenerRegion> regions,
    Informer<V1Alpha1KeyPool> keyPools,
    Informer<V1Secret> secrets,
    Informer<V1ConfigMap> configMaps,
    Informer<V1ServiceAccount> serviceAccounts,
    Informer<V1Deployment> deployments,
    Informer<V1Service> services,
    Informer<V2HorizontalPodAutoscaler> autoscalers,
    Informer<V1PodDisruptionBudget> disruptionBudgets,
    Informer<V1NetworkPolicy> networkPolicies,
    Informer<V1PodMonitor> podMonitors,
    Informer<V1Job> jobs,
    Informer<V1Pod> pods,
    AppProbe probe,
    ResourceClient client
)
{
    /// <summary>Index of regions by group.</summary>
    public const string ByGroup = RegionIndex.ByGroup;

    /// <summary>Index of pools by region.</summary>
    public const string ByRegion = "region";

    /// <summary>Index of objects by controlling object.</summary>
    public const string ByOwner = "owner";

    /// <summary>Reads the observed state.</summary>
    public async Task<ObservedRegion> ObserveAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        var (space, name) = (region.Metadata.NamespaceProperty, region.Metadata.Name);
        var app = Names.Of(name, Names.App);
        List<V1Pod> regionPods =
        [
            .. pods
                .Cache.GetBy(PodIndex.ByInstance, PodIndex.InstanceKey(space, Labels.InstanceValue(name)))
                .Where(pod =>
                    Labels.ComponentOf(pod.Metadata) switch
                    {
                        Names.App => PodOwner.IsOfDeployment(pod, app),
                        Names.Migrate => MigrationJob.IsPodOf(pod, region),
                        _ => false,
                    }
                ),
        ];
        List<V1Job> regionJobs =
        [
            .. jobs.Cache.GetBy(ByOwner, region.Metadata.Uid).Where(job => Labels.ComponentOf(job.Metadata) == Names.Migrate),
            .. jobs
                .Cache.GetBy(PodIndex.ByInstance, PodIndex.InstanceKey(space, Labels.InstanceValue(name)))
                .Where(job => !Owned.HasController(job) && Labels.ComponentOf(job.Metadata) == Names.Migrate),
        ];
        return new ObservedRegion
        {
            Group = regions.Cache.GetBy(ByGroup, region.Spec.Group),
            KeyPools = keyPools.Cache.GetBy(ByRegion, $"{space}/{name}"),
            Secrets = RuntimeEnvironment
                .SecretsOf(region)
                .Concat(ClickEvents.SecretsOf(region))
                .Select(reference => reference.Name)
                .Distinct()
                .Select(secret => Find(secrets, space, secret))
                .OfType<V1Secret>()
                .ToDictionary(secret => secret.Metadata.Name),
            Blocklist = region.Spec.App.BlocklistConfigMapRef is { } blocklist ? Find(configMaps, space, blocklist.Name) : null,
            ServiceAccount = Find(serviceAccounts, space, Names.Of(name, "runtime")),
            Settings = Find(configMaps, space, Names.Of(name, "settings")),
            Deployment = Find(deployments, space, app),
            Service = Find(services, space, app),
            Autoscaler = Find(autoscalers, space, app),
            DisruptionBudget = Find(disruptionBudgets, space, app),
            NetworkPolicy = Find(networkPolicies, space, app),
            PodMonitor = Find(podMonitors, space, Names.Of(name, PodMonitorResources.Suffix)),
            ServesPodMonitors = !podMonitors.IsNotServed,
            Jobs = regionJobs,
            MigrationRefusal = await FindRefusalAsync(regionJobs, regionPods, cancellationToken),
            Pods = regionPods,
            Health = await probe.AskAsync(regionPods.Where(pod => Labels.ComponentOf(pod.Metadata) == Names.App), cancellationToken),
        };
    }

    /// <summary>The values of <see cref="ByOwner"/> of an object.</summary>
    public static IEnumerable<string> OwnersOf(IMetadata<V1ObjectMeta> entity) =>
        entity.Metadata.OwnerReferences?.Where(reference => reference.Controller == true).Select(reference => reference.Uid) ?? [];

    // A Job has no condition for this; its controller only records an event.
    private async Task<string?> FindRefusalAsync(IEnumerable<V1Job> regionJobs, IEnumerable<V1Pod> regionPods, CancellationToken cancellationToken)
    {
        var job = regionJobs.FirstOrDefault(job =>
            job is { Metadata.DeletionTimestamp: null, Spec.Suspend: not true } && !Migration.IsFinished(job) && job.Status?.StartTime is not null
        );
        if (job is null || regionPods.Any(pod => MigrationJob.IsPodOf(pod, job.Metadata.Name)))
            return null;
        try
        {
            var selector = ("fieldSelector", $"involvedObject.uid={job.Metadata.Uid},reason=FailedCreate");
            var events = await client.ListAsync<Corev1Event>(job.Metadata.NamespaceProperty, selector, cancellationToken);
            return events.OrderBy(entry => entry.LastTimestamp).LastOrDefault()?.Message is { } message ? LastWords.Clean(message) : null;
        }
        catch (ApiException refused) when (refused.IsRefusal)
        {
            // The RBAC rules of an earlier version let the operator write events but not read them.
            return null;
        }
    }

    private static T? Find<T>(Informer<T> informer, string space, string name)
        where T : class, IKubernetesObject<V1ObjectMeta> => informer.Cache.TryGet(new ObjectKey(space, name), out var found) ? found : null;
}
