using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Regions;

namespace UrlShortener.Operator.Loading;

/// <summary>Observes the loaders of a region: reads the caches and asks the pods.</summary>
internal sealed class LoaderObserver(
    Informer<V1Secret> secrets,
    Informer<V1ConfigMap> configMaps,
    Informer<V1ServiceAccount> serviceAccounts,
    Informer<V1Deployment> deployments,
    Informer<V1PodDisruptionBudget> disruptionBudgets,
    Informer<V1NetworkPolicy> networkPolicies,
    Informer<V1Job> jobs,
    Informer<V1Pod> pods,
    AppProbe probe
)
{
    /// <summary>Reads the observed state.</summary>
    public async Task<ObservedLoaders> ObserveAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        var (space, name) = (region.Metadata.NamespaceProperty, region.Metadata.Name);
        var loaders = LoaderResources.NameOf(region);
        var (deployment, budget, policy) = (Find(deployments, space, loaders), Find(disruptionBudgets, space, loaders), Find(networkPolicies, space, loaders));
        var observed = new ObservedLoaders
        {
            Secrets = new Dictionary<string, V1Secret>(),
            Deployment = deployment,
            DisruptionBudget = budget,
            NetworkPolicy = policy,
        };
        if (region.Spec.ClickHouse is null)
            return observed;
        List<V1Pod> own =
        [
            .. pods
                .Cache.GetBy(PodIndex.ByInstance, PodIndex.InstanceKey(space, Labels.InstanceValue(name)))
                .Where(pod => Labels.ComponentOf(pod.Metadata) == Names.Clicks && PodOwner.IsOfDeployment(pod, loaders)),
        ];
        return observed with
        {
            Secrets = RuntimeEnvironment
                .SecretsOf(region)
                .Concat(Analytics.SecretsOf(region))
                .Select(reference => reference.Name)
                .Distinct()
                .Select(secret => Find(secrets, space, secret))
                .OfType<V1Secret>()
                .ToDictionary(secret => secret.Metadata.Name),
            ServiceAccount = Find(serviceAccounts, space, Names.Of(name, "runtime")),
            Settings = Find(configMaps, space, Names.Of(name, "settings")),
            App = Find(deployments, space, Names.Of(name, Names.App)),
            Jobs = [.. jobs.Cache.GetBy(RegionObserver.ByOwner, region.Metadata.Uid).Where(job => Labels.ComponentOf(job.Metadata) == Names.Migrate)],
            Pods = own,
            Answers = await probe.AskEachAsync(own, cancellationToken),
        };
    }

    private static T? Find<T>(Informer<T> informer, string space, string name)
        where T : class, IKubernetesObject<V1ObjectMeta> => informer.Cache.TryGet(new ObjectKey(space, name), out var found) ? found : null;
}
