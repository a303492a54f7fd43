using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Regions;

namespace UrlShortener.Operator.KeyPools;

/// <summary>Observes a pool: reads the caches and the token, and asks a worker.</summary>
internal sealed class KeyPoolObserver(
    Informer<V1Alpha1KeyPool> keyPools,
    Informer<V1Alpha1ShortenerRegion> regions,
    Informer<V1Secret> secrets,
    Informer<V1ConfigMap> configMaps,
    Informer<V1ServiceAccount> serviceAccounts,
    Informer<V1Deployment> deployments,
    Informer<V1Service> services,
    Informer<V1PodDisruptionBudget> disruptionBudgets,
    Informer<V1NetworkPolicy> networkPolicies,
    Informer<V1Job> jobs,
    Informer<V1Pod> pods,
    KgsClient client,
    KgsTokens tokens,
    TimeProvider time
)
{
    // Limit for all workers together; one of them may hang.
    private static readonly TimeSpan AskLimit = TimeSpan.FromSeconds(6);

    /// <summary>Reads the observed state.</summary>
    public async Task<ObservedKeyPool> ObserveAsync(V1Alpha1KeyPool pool, CancellationToken cancellationToken)
    {
        var space = pool.Metadata.NamespaceProperty;
        var regionName = pool.Spec.RegionRef.Name;
        var region = Find(regions, space, regionName);
        var name = KgsResources.NameOf(pool);
        var token = TokenOf(pool, region);
        var workers = pods
            .Cache.GetBy(PodIndex.ByInstance, PodIndex.InstanceKey(space, Labels.InstanceValue(pool.Metadata.Name)))
            .Where(pod => Labels.ComponentOf(pod.Metadata) == Names.Kgs && PodOwner.IsOfDeployment(pod, name))
            .ToList();
        var (answer, asked) = await AskAsync(workers, space, token, cancellationToken);
        return new ObservedKeyPool
        {
            Siblings = keyPools.Cache.GetBy(RegionObserver.ByRegion, $"{space}/{regionName}"),
            Region = region,
            Secrets = (region is null ? [] : RuntimeEnvironment.SecretsOf(region))
                .Append(token)
                .Select(reference => reference.Name)
                .Distinct()
                .Select(secret => Find(secrets, space, secret))
                .OfType<V1Secret>()
                .ToDictionary(secret => secret.Metadata.Name),
            ServiceAccount = Find(serviceAccounts, space, Names.Of(regionName, "runtime")),
            Settings = Find(configMaps, space, Names.Of(regionName, "settings")),
            App = Find(deployments, space, Names.Of(regionName, Names.App)),
            Jobs = region is null ? [] : jobs.Cache.GetBy(RegionObserver.ByOwner, region.Metadata.Uid),
            Deployment = Find(deployments, space, name),
            Service = Find(services, space, name),
            DisruptionBudget = Find(disruptionBudgets, space, name),
            NetworkPolicy = Find(networkPolicies, space, name),
            Pods = workers,
            Answer = answer,
            AskedWorker = asked,
        };
    }

    /// <summary>The Secret with the token of a pool's workers.</summary>
    public static SecretKeyRef TokenOf(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion? region) =>
        region?.Spec.Connections.KgsTokenSecretRef ?? new TokenSecretRef { Name = KgsResources.TokenNameOf(pool), Key = KgsResources.TokenKey };

    // The oldest one first: it knows the rates of the last minute. Always the same one, so that the answers are consistent.
    private async Task<(KgsAnswer? Answer, V1Pod? AskedWorker)> AskAsync(
        IEnumerable<V1Pod> workers,
        string space,
        SecretKeyRef reference,
        CancellationToken cancellationToken
    )
    {
        var ready = workers
            .Where(AppProbe.IsReady)
            .OrderBy(pod => pod.Metadata.CreationTimestamp)
            .ThenBy(pod => pod.Metadata.Name, StringComparer.Ordinal)
            .ToList();
        if (ready.Count == 0 || await tokens.ReadAsync(space, reference, cancellationToken) is not { } token)
            return (null, null);
        KgsAnswer? failure = null;
        var started = time.GetTimestamp();
        // During a token rotation, older workers have another token.
        foreach (var pod in ready.TakeWhile(_ => time.GetElapsedTime(started) < AskLimit))
        {
            var answer = await client.ReadStatusAsync(pod, token, cancellationToken);
            if (answer.IsSuccess)
                return (answer, pod);
            failure ??= answer;
        }

        return (failure, null);
    }

    private static T? Find<T>(Informer<T> informer, string space, string name)
        where T : class, IKubernetesObject<V1ObjectMeta> => informer.Cache.TryGet(new ObjectKey(space, name), out var found) ? found : null;
}
