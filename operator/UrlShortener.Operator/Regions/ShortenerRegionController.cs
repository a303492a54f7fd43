using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Regions;

/// <summary>Reconciles regions: observe, plan, apply, write the status.</summary>
internal sealed class ShortenerRegionController(RegionObserver observer, Applier applier, ResourceClient client, EventRecorder events, TimeProvider time)
    : IEntityController<V1Alpha1ShortenerRegion>
{
    // Both by UID of the region; removed with it.
    private readonly ConcurrentDictionary<string, (string Digest, DateTimeOffset? ChangedAt)> _connections = new();
    private readonly ConcurrentDictionary<string, QuietRegion> _quiet = new();

    /// <summary>Resource version of a region for which everything was compared and nothing was written; null: the last reconcile had something to do.</summary>
    /// <param name="uid">UID of the region.</param>
    internal string? QuietVersionOf(string uid) => _quiet.GetValueOrDefault(uid)?.Version;

    /// <inheritdoc />
    public async Task<ReconciliationResult<V1Alpha1ShortenerRegion>> ReconcileAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        var seen = await observer.ObserveAsync(region, cancellationToken);
        if (_quiet.TryGetValue(region.Metadata.Uid, out var quiet))
        {
            if (quiet.Covers(region, seen, time.GetUtcNow()))
                return ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region, RegionStatusRules.HealthInterval);
            _quiet.TryRemove(region.Metadata.Uid, out _);
        }

        var observed = seen with { ConnectionChangedAt = ChangedAt(region, seen) };
        var plan = RegionPlan.Of(region, observed, time.GetUtcNow());
        if (plan.Applies)
            plan = plan with
            {
                Obstacle = await ApplyAsync(region, observed, plan, cancellationToken),
                MonitorObstacle = await ApplyMonitorAsync(region, observed, cancellationToken),
            };

        var read = region;
        var (status, changed) = RegionStatusRules.Build(region, observed, plan, time.GetUtcNow());
        region = await client.PatchStatusAsync(region, region.WithStatus(status), FieldManagers.Status, cancellationToken);
        ConditionEvents.Record(events, region, changed);
        RecordRole(region, read.Status, plan.Role);
        RegionMetrics.Set(region, plan, observed, status);
        if (ReferenceEquals(region, read) && QuietRegion.IsQuiet(region, observed, plan, status, applier.IsApplied))
            _quiet[region.Metadata.Uid] = new QuietRegion(region.Metadata.ResourceVersion, seen, time.GetUtcNow());
        // Retries with growing delays, because the refused write may put load on the cluster's webhooks.
        return plan.Obstacle is { Reason: Reasons.ApplyRefused } refused
            ? ReconciliationResult<V1Alpha1ShortenerRegion>.Failure(region, refused.Message)
            : ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region, plan.SettlesIn ?? RegionStatusRules.IntervalOf(status));
    }

    /// <inheritdoc />
    // Kubernetes' garbage collector deletes the objects of the region.
    public Task<ReconciliationResult<V1Alpha1ShortenerRegion>> DeletedAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        _connections.TryRemove(region.Metadata.Uid, out _);
        _quiet.TryRemove(region.Metadata.Uid, out _);
        RegionMetrics.Remove(region);
        return Task.FromResult(ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region));
    }

    private DateTimeOffset? ChangedAt(V1Alpha1ShortenerRegion region, ObservedRegion observed)
    {
        var digest = Migration.ConnectionOf(region, observed.Secrets);
        return _connections
            .AddOrUpdate(region.Metadata.Uid, _ => (digest, null), (_, known) => known.Digest == digest ? known : (digest, time.GetUtcNow()))
            .ChangedAt;
    }

    private void RecordRole(V1Alpha1ShortenerRegion region, RegionStatus? former, PrimaryRole role)
    {
        var name = region.Spec.Region;
        if (role.Topology is { PrimaryRegion: { } primary, Epoch: { } epoch } topology && epoch != former?.Topology?.Epoch)
        {
            if (primary == name)
                events.Record(region, EventSeverity.Normal, "Promoted", "Promote", $"Region {name} is the primary from epoch {epoch}. {topology.Message}");
            else if (former?.Topology?.PrimaryRegion == name)
                events.Record(region, EventSeverity.Normal, "Demoted", "Demote", $"Region {primary} is the primary from epoch {epoch}. {topology.Message}");
        }

        if (role.Refusal is { } refusal)
            events.Record(region, EventSeverity.Warning, "PromotionRefused", "Promote", refusal);
    }

    // Applies independent objects even if others are refused. Pods need their service account and settings; the autoscaler needs the Deployment.
    private async Task<Obstacle?> ApplyAsync(V1Alpha1ShortenerRegion region, ObservedRegion observed, RegionPlan plan, CancellationToken cancellationToken)
    {
        var neededByPods = Obstacle.Of(
            await applier.EnsureAsync(region, AppResources.BuildServiceAccount(region), observed.ServiceAccount, cancellationToken),
            await applier.EnsureAsync(region, AppResources.BuildSettings(region), observed.Settings, cancellationToken)
        );
        var around = Obstacle.Of(
            await applier.EnsureAsync(region, AppResources.BuildService(region), observed.Service, cancellationToken),
            await applier.EnsureIfAsync(
                region.Spec.App.NetworkPolicy.Enabled,
                region,
                () => AppResources.BuildNetworkPolicy(region),
                observed.NetworkPolicy,
                cancellationToken
            ),
            await applier.EnsureAsync(region, AppResources.BuildDisruptionBudget(region), observed.DisruptionBudget, cancellationToken)
        );
        var pods = neededByPods is null ? await ApplyPodsAsync(region, observed, plan, cancellationToken) : null;
        var hasApp = observed.Deployment is not null || (neededByPods is null && pods is null && plan.Deploys);
        var scaling =
            hasApp || !plan.IsScaled
                ? await applier.EnsureIfAsync(
                    plan.IsScaled,
                    region,
                    () => AppResources.BuildAutoscaler(region, plan.AutoscalerFloor),
                    observed.Autoscaler,
                    cancellationToken
                )
                : null;
        return Obstacle.Of(neededByPods, pods, around, scaling);
    }

    // A region without its PodMonitor serves all the same. Its definition may go, with all objects of the kind, between two looks at the cluster.
    private async Task<Obstacle?> ApplyMonitorAsync(V1Alpha1ShortenerRegion region, ObservedRegion observed, CancellationToken cancellationToken) =>
        observed.ServesPodMonitors
            ? await applier.EnsureIfAsync(
                region.Spec.Monitoring.PodMonitor.Enabled,
                region,
                () => PodMonitorResources.BuildPodMonitor(region),
                observed.PodMonitor,
                cancellationToken
            )
            : null;

    // Migrates the database, then applies the Deployment.
    private async Task<Obstacle?> ApplyPodsAsync(V1Alpha1ShortenerRegion region, ObservedRegion observed, RegionPlan plan, CancellationToken cancellationToken)
    {
        var migration = new List<Obstacle?>();
        foreach (var job in plan.OrphanedJobs)
            migration.Add(await applier.AdoptAsync(region, job, MigrationJob.Build(region, plan.Migration.Digest), cancellationToken));
        // An unfinished Job stays until its pods have ended.
        foreach (var job in plan.EndedJobs)
            migration.Add(await applier.DeleteAsync(region, job, cancellationToken, isLast: !Migration.IsFinished(job)));
        if (plan.StartsMigration)
            migration.Add(await StartMigrationAsync(region, plan, cancellationToken));
        var scale = await SetReplicasAsync(region, plan.Rescale, cancellationToken);
        if (!plan.Deploys)
            return Obstacle.Of([.. migration, scale]);

        var deployment = AppResources.BuildDeployment(region, plan.Process, plan.Migration.Digest);
        var refused = await applier.EnsureAsync(region, deployment, observed.Deployment, cancellationToken);
        return Obstacle.Of([.. migration, scale, refused, refused is null ? await SetReplicasAsync(region, plan.FirstReplicas, cancellationToken) : null]);
    }

    private Task<Obstacle?> StartMigrationAsync(V1Alpha1ShortenerRegion region, RegionPlan plan, CancellationToken cancellationToken)
    {
        var job = MigrationJob.Build(region, plan.Migration.Digest, plan.Repair.Next);
        return applier.TryAsync(region, $"Job {job.Metadata.Name}", () => CreateJobAsync(region, job, cancellationToken));
    }

    private async Task<Obstacle?> CreateJobAsync(V1Alpha1ShortenerRegion region, V1Job job, CancellationToken cancellationToken)
    {
        // The cache may be outdated, and two migrations must never run at the same time.
        var selector = Labels.Text(Labels.SelectorOf(region.Metadata.Name, Names.Migrate));
        var others = await client.ListAsync<V1Job>(region.Metadata.NamespaceProperty, ("labelSelector", selector), cancellationToken);
        if (others.Any(other => !Migration.IsFinished(other) || other.Metadata.Name == job.Metadata.Name))
            return null;
        try
        {
            await client.CreateAsync(job, FieldManagers.Operator, cancellationToken);
        }
        catch (ApiException taken) when (taken.IsAlreadyExists)
        {
            return Applier.NameTaken($"Job {job.Metadata.Name}", job);
        }

        events.Record(
            region,
            EventSeverity.Normal,
            "MigrationStarted",
            "Create",
            $"Job {job.Metadata.Name} migrates the database for {region.Spec.App.Image}."
        );
        return null;
    }

    // Set once, and by another field manager than the apply, so that the operator never takes back the number from the autoscaler.
    private async Task<Obstacle?> SetReplicasAsync(V1Alpha1ShortenerRegion region, int? replicas, CancellationToken cancellationToken)
    {
        if (replicas is null)
            return null;
        var name = Names.Of(region.Metadata.Name, Names.App);
        return await applier.TryAsync(
            region,
            $"Deployment {name}",
            async () =>
            {
                await client.PatchAsync<V1Deployment>(
                    new ObjectKey(region.Metadata.NamespaceProperty, name),
                    new JsonObject { ["spec"] = new JsonObject { ["replicas"] = replicas } },
                    FieldManagers.Bootstrap,
                    cancellationToken
                );
                return null;
            }
        );
    }
}
