using System.Collections.Concurrent;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Election;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Clusters;

/// <summary>
/// The clients of other clusters, by the Secrets that regions name. By namespace too: whoever may write in one namespace must not lead the operator, or the
/// guards of regions in another namespace, to a server of theirs.
/// </summary>
internal sealed class ClusterClients(
    ResourceClient local,
    Informer<V1Secret> secrets,
    Informer<V1Alpha1ShortenerRegion> regions,
    Leadership leadership,
    TimeProvider time
) : IDisposable
{
    private readonly ConcurrentDictionary<(string Namespace, string Cluster), Entry> _entries = new();

    /// <summary>The client of a cluster; null: no region names it, or its kubeconfig cannot be used.</summary>
    /// <param name="space">Namespace of the regions.</param>
    /// <param name="cluster">Name of the cluster.</param>
    public ClusterClient? Find(string space, string cluster) => _entries.TryGetValue((space, cluster), out var entry) ? entry.Client : null;

    /// <summary>Makes the client of the cluster that runs a region, or replaces it after a change of the Secret.</summary>
    /// <param name="region">A region that another cluster runs.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>Why the region cannot be read; null: it can.</returns>
    public async Task<Obstacle?> EnsureAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        var cluster = region.Spec.ClusterName()!;
        var (reference, conflict) = FindReference(region, cluster);
        if (conflict is not null)
            return conflict;
        return reference is not null
            ? await EnsureAsync(region.Metadata.NamespaceProperty, cluster, reference, cancellationToken)
            : Forget(
                region.Metadata.NamespaceProperty,
                cluster,
                new Obstacle(Reasons.KubeconfigMissing, $"Cluster {cluster} runs the region. Set spec.cluster.kubeconfigSecretRef, so that it can be reached.")
            );
    }

    /// <summary>Makes the client of the cluster that a region has as its witness, or replaces it after a change of the Secret.</summary>
    /// <param name="region">A region of this cluster, which names a witness.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>Why there is none; null: there is one.</returns>
    public async Task<Obstacle?> EnsureWitnessAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        var cluster = region.Spec.WitnessName()!;
        return FindReference(region, cluster).Reference is { } reference
            ? await EnsureAsync(region.Metadata.NamespaceProperty, cluster, reference, cancellationToken)
            : null;
    }

    /// <summary>Why a region may not count on the kubeconfig of a cluster that is used: it names another one. Null: it may.</summary>
    /// <param name="region">The region.</param>
    /// <param name="cluster">Name of the cluster.</param>
    public Obstacle? FindConflict(V1Alpha1ShortenerRegion region, string cluster) => FindReference(region, cluster).Conflict;

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var entry in _entries.Values)
        {
            entry.Client?.Dispose();
            entry.Former?.Dispose();
        }
    }

    private (KubeconfigSecretRef? Reference, Obstacle? Conflict) FindReference(V1Alpha1ShortenerRegion region, string cluster) =>
        ClusterReference.Of(region, cluster, regions.Cache.GetAll().Where(other => other.Metadata.NamespaceProperty == region.Metadata.NamespaceProperty));

    private async Task<Obstacle?> EnsureAsync(string space, string cluster, SecretKeyRef reference, CancellationToken cancellationToken)
    {
        // The cache has digests only; they tell that something has changed.
        if (!secrets.Cache.TryGet(new ObjectKey(space, reference.Name), out var cached) || !HasKey(cached, reference.Key))
            return Forget(
                space,
                cluster,
                new Obstacle(Reasons.KubeconfigMissing, $"Secret {reference.Name} with key {reference.Key} does not exist in this namespace. Create it.")
            );
        var version = $"{cached.Metadata.Uid}/{Convert.ToHexString(cached.Data[reference.Key])}/{reference}";
        if (_entries.TryGetValue((space, cluster), out var entry) && entry.Version == version)
            return entry.Obstacle;
        var live = await local.GetAsync<V1Secret>(new ObjectKey(space, reference.Name), cancellationToken);
        if (live is null || !HasKey(live, reference.Key))
            return entry?.Obstacle;
        var (kubeconfig, problem) = Kubeconfig.Read(live.Data[reference.Key]);
        if (kubeconfig is null)
            return Forget(
                space,
                cluster,
                new Obstacle(Reasons.KubeconfigInvalid, $"Key {reference.Key} of Secret {reference.Name} is no kubeconfig that can be used. {problem}"),
                version
            );
        Replace(space, cluster, new Entry(version, new ClusterClient(cluster, kubeconfig, leadership, time), null));
        return null;
    }

    private static bool HasKey(V1Secret secret, string key) => secret.Data?.ContainsKey(key) == true;

    private Obstacle Forget(string space, string cluster, Obstacle obstacle, string? version = null)
    {
        if (!_entries.TryGetValue((space, cluster), out var entry) || entry.Obstacle != obstacle || entry.Version != version)
            Replace(space, cluster, new Entry(version, null, obstacle));
        return obstacle;
    }

    // Requests of others may still use the former client; the one before that has no more.
    private void Replace(string space, string cluster, Entry next) =>
        _entries.AddOrUpdate(
            (space, cluster),
            next,
            (_, former) =>
            {
                former.Former?.Dispose();
                return next with { Former = former.Client };
            }
        );

    private sealed record Entry(string? Version, ClusterClient? Client, Obstacle? Obstacle, ClusterClient? Former = null);
}
