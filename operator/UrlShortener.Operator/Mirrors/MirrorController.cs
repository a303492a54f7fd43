using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Clusters;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Postgres;

namespace UrlShortener.Operator.Mirrors;

/// <summary>Copies the status of a region that another cluster runs, so that the whole group is seen here. It creates nothing.</summary>
internal sealed class MirrorController(
    OwnCluster own,
    ClusterClients clusters,
    RemoteRegions remotes,
    ResourceClient client,
    EventRecorder events,
    TimeProvider time
) : IEntityController<V1Alpha1ShortenerRegion>
{
    private readonly long _start = time.GetTimestamp();

    private TimeSpan Now => time.GetElapsedTime(_start);

    /// <inheritdoc />
    public async Task<ReconciliationResult<V1Alpha1ShortenerRegion>> ReconcileAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        var (read, obstacle) = await ReadAsync(region, cancellationToken);
        if (read is not null)
            remotes.Set(region, read);
        var last = remotes.Find(region);
        // A request that is lost says nothing yet.
        if (obstacle is { Reason: Reasons.ClusterUnreachable } && last is not null && Now - last.At < MirrorRules.Patience)
            return ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region, MirrorRules.MovingInterval);
        var (status, changed) = MirrorRules.Build(region, read?.Region, last?.Clock, obstacle, time.GetUtcNow());
        region = await client.PatchStatusAsync(region, region.WithStatus(status), FieldManagers.Mirror, cancellationToken);
        ConditionEvents.Record(events, region, changed);
        MirrorMetrics.Set(region, obstacle is null);
        return ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region, MirrorRules.IntervalOf(status));
    }

    /// <inheritdoc />
    public Task<ReconciliationResult<V1Alpha1ShortenerRegion>> DeletedAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        remotes.Forget(region);
        MirrorMetrics.Remove(region);
        return Task.FromResult(ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region));
    }

    private async Task<(RemoteRegion? Read, Obstacle? Obstacle)> ReadAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        if (own.Name.Length == 0)
            return (
                null,
                new Obstacle(
                    Reasons.ClusterNameUnset,
                    "The region names a cluster, and this operator does not know the name of its own. Set Operator:Cluster of the operator."
                )
            );
        if (await clusters.EnsureAsync(region, cancellationToken) is { } obstacle)
            return (null, obstacle);
        var (space, name) = (region.Metadata.NamespaceProperty, region.Spec.ClusterName()!);
        if (clusters.Find(space, name) is not { } cluster)
            return (null, new Obstacle(Reasons.KubeconfigMissing, $"There is no kubeconfig of cluster {name}."));
        var reading = cluster.AskAsync((remote, token) => remote.GetAsync<V1Alpha1ShortenerRegion>(ObjectKey.Of(region), token), cancellationToken);
        var password = region.Spec.Postgres is null
            ? Task.FromResult(new ClusterAnswer<V1Secret>(null))
            : cluster.AskAsync((remote, token) => remote.GetAsync<V1Secret>(new ObjectKey(space, PostgresNames.PasswordOf(region)), token), cancellationToken);
        var (found, secret) = (await reading, await password);
        if ((found.Failure ?? secret.Failure) is { } failure)
            return (null, new Obstacle(found.IsRefusal || secret.IsRefusal ? Reasons.AccessDenied : Reasons.ClusterUnreachable, failure));
        if (found.Value is not { } there)
            return (null, new Obstacle(Reasons.RegionNotFound, $"Cluster {name} has no ShortenerRegion {space}/{region.Metadata.Name}. Create it there too."));
        return MirrorRules.FindDifference(region, there) is { } difference
            ? (null, difference)
            : (new RemoteRegion(there, secret.Value, Now, time.GetUtcNow()), null);
    }
}
