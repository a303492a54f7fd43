using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Regions;

/// <summary>Brings regions in line with their specification: observe, plan, apply, tell.</summary>
internal sealed class ShortenerRegionController(RegionObserver observer, Applier applier, ResourceClient client, EventRecorder events, TimeProvider time)
    : IEntityController<V1Alpha1ShortenerRegion>
{
    // How the servers are that the app needs is no object whose change could be waited for.
    private static readonly TimeSpan HealthInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BusyInterval = TimeSpan.FromSeconds(5);

    /// <inheritdoc />
    public async Task<ReconciliationResult<V1Alpha1ShortenerRegion>> ReconcileAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        var observed = await observer.ObserveAsync(region, cancellationToken);
        var plan = RegionPlan.Of(region, observed);
        if (plan.Obstacle is null && region.Spec.Suspend == SuspendMode.None)
            plan = plan with { Obstacle = await ApplyAsync(region, observed, plan, cancellationToken) };

        var (status, changed) = RegionStatusRules.Build(region, observed, plan, time.GetUtcNow());
        region = await client.PatchStatusAsync(region, region.WithStatus(status), FieldManagers.Status, cancellationToken);
        ConditionEvents.Record(events, region, changed);
        RegionMetrics.Set(region, status);
        return ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region, ConditionEvents.IsTrue(status.Conditions, ConditionTypes.Ready) ? HealthInterval : BusyInterval);
    }

    /// <inheritdoc />
    // What the region owned goes with it, by the cluster's garbage collector.
    public Task<ReconciliationResult<V1Alpha1ShortenerRegion>> DeletedAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        RegionMetrics.Remove(region);
        return Task.FromResult(ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region));
    }

    // What does not depend on each other is done, whatever becomes of the rest; returns what stands in the way.
    private async Task<Obstacle?> ApplyAsync(V1Alpha1ShortenerRegion region, ObservedRegion observed, RegionPlan plan, CancellationToken cancellationToken)
    {
        Obstacle?[] obstacles =
        [
            await applier.EnsureAsync(region, AppResources.BuildServiceAccount(region), observed.ServiceAccount, cancellationToken),
            await applier.EnsureAsync(region, AppResources.BuildSettings(region), observed.Settings, cancellationToken),
            await applier.EnsureAsync(region, AppResources.BuildService(region), observed.Service, cancellationToken),
            await applier.EnsureIfAsync(region.Spec.App.NetworkPolicy.Enabled, region, () => AppResources.BuildNetworkPolicy(region), observed.NetworkPolicy, cancellationToken),
            await applier.EnsureAsync(region, AppResources.BuildDisruptionBudget(region), observed.DisruptionBudget, cancellationToken),
            await EnsureAutoscalerAsync(region, observed, plan, cancellationToken),
        ];
        if (obstacles.FirstOrDefault(obstacle => obstacle is not null) is { } first)
            return first;

        // Pods of a new version meet tables that are ready for them; until then the old ones go on.
        await MigrateAsync(region, observed, plan, cancellationToken);
        return plan.Migration == MigrationState.Done ? await DeployAsync(region, observed, plan, cancellationToken) : null;
    }

    private async Task<Obstacle?> EnsureAutoscalerAsync(V1Alpha1ShortenerRegion region, ObservedRegion observed, RegionPlan plan, CancellationToken cancellationToken)
    {
        // It neither goes down to nothing nor wakes what has no pods. All other numbers are its own.
        if (observed.Deployment?.Spec.Replicas is { } replicas && plan.Floor == 0 != (replicas == 0))
            await SetReplicasAsync(region, plan.Floor, cancellationToken);
        return await applier.EnsureIfAsync(plan.Floor > 0, region, () => AppResources.BuildAutoscaler(region, plan.Floor), observed.Autoscaler, cancellationToken);
    }

    private async Task MigrateAsync(V1Alpha1ShortenerRegion region, ObservedRegion observed, RegionPlan plan, CancellationToken cancellationToken)
    {
        var name = MigrationJob.NameOf(region, plan.MigrationDigest);
        // Those of earlier versions, whatever became of them.
        foreach (var former in observed.Jobs.Where(job => job.Metadata.Name != name))
            await applier.DeleteAsync(region, former, cancellationToken);
        if (plan.Migration == MigrationState.Missing && observed.Jobs.All(job => job.Metadata.Name != name))
        {
            await client.CreateAsync(MigrationJob.Build(region, plan.MigrationDigest), FieldManagers.Operator, cancellationToken);
            events.Record(region, EventSeverity.Normal, "MigrationStarted", "Create", $"The tables are brought up to date for {region.Spec.App.Image} by Job {name}.");
        }

        if (plan.Migration == MigrationState.Failed && observed.Jobs.First(job => job.Metadata.Name == name) is var failed && FailedAt(failed) + RegionPlan.MigrationRetryDelay <= time.GetUtcNow())
            await applier.DeleteAsync(region, failed, cancellationToken);
    }

    private async Task<Obstacle?> DeployAsync(V1Alpha1ShortenerRegion region, ObservedRegion observed, RegionPlan plan, CancellationToken cancellationToken)
    {
        var desired = AppResources.BuildDeployment(region, plan.Process, plan.MigrationDigest);
        var obstacle = await applier.EnsureAsync(region, desired, observed.Deployment, cancellationToken);
        // The server's default is one pod. Set once and by another name, so that the autoscaler's number is never taken back.
        if (obstacle is null && observed.Deployment is null)
            await SetReplicasAsync(region, plan.Floor, cancellationToken);
        return obstacle;
    }

    private Task<V1Deployment> SetReplicasAsync(V1Alpha1ShortenerRegion region, int replicas, CancellationToken cancellationToken) => client.PatchAsync<V1Deployment>(
        new ObjectKey(region.Metadata.NamespaceProperty, Names.Of(region.Metadata.Name, Names.App)),
        new JsonObject { ["spec"] = new JsonObject { ["replicas"] = replicas } },
        FieldManagers.Bootstrap,
        cancellationToken);

    private static DateTimeOffset FailedAt(V1Job job) =>
        job.Status.Conditions.First(condition => condition.Type == "Failed").LastTransitionTime is { } at ? new DateTimeOffset(at.ToUniversalTime()) : DateTimeOffset.MinValue;
}
