using System.Collections.Concurrent;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Loading;

/// <summary>Reconciles the loaders of click events of regions: observe, plan, apply, write the status.</summary>
internal sealed class LoaderController(LoaderObserver observer, Applier applier, ResourceClient client, EventRecorder events, TimeProvider time)
    : IEntityController<V1Alpha1ShortenerRegion>
{
    private static readonly TimeSpan HealthyInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BusyInterval = TimeSpan.FromSeconds(5);

    // By UID of the region; removed with it.
    private readonly ConcurrentDictionary<string, LoaderHistory> _histories = new();

    private readonly StatusWriter _status = new(LoaderStatusRules.Part, client);

    /// <inheritdoc />
    public async Task<ReconciliationResult<V1Alpha1ShortenerRegion>> ReconcileAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        region = _status.LatestOf(region);
        var observed = await observer.ObserveAsync(region, cancellationToken);
        if (region.Spec.ClickHouse is null)
            return await RemoveAsync(region, observed, cancellationToken);

        var history = _histories.GetValueOrDefault(region.Metadata.Uid, new LoaderHistory());
        var plan = LoaderPlan.Of(region, observed, history, time.GetUtcNow());
        if (plan.Applies)
        {
            plan = plan with { Obstacle = await ApplyAsync(region, observed, plan, cancellationToken) };
            TellCount(region, observed, plan);
        }

        var (status, conditions) = LoaderStatusRules.Build(region, observed, plan, time.GetUtcNow());
        await _status.WriteAsync(region, status, conditions.Conditions, cancellationToken);
        ConditionEvents.Record(events, region, conditions.Changed);
        LoaderMetrics.Set(region, status);
        _histories[region.Metadata.Uid] = plan.History;
        return plan.Obstacle is { Reason: Reasons.ApplyRefused } refused
            ? ReconciliationResult<V1Alpha1ShortenerRegion>.Failure(region, refused.Message)
            : ReconciliationResult<V1Alpha1ShortenerRegion>.Success(
                region,
                ConditionEvents.IsTrue(conditions.Conditions, ConditionTypes.AnalyticsHealthy) ? HealthyInterval : BusyInterval
            );
    }

    /// <inheritdoc />
    // Kubernetes' garbage collector deletes the objects of the region.
    public Task<ReconciliationResult<V1Alpha1ShortenerRegion>> DeletedAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        _histories.TryRemove(region.Metadata.Uid, out _);
        _status.Forget(region);
        LoaderMetrics.Remove(region);
        return Task.FromResult(ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region));
    }

    // Applies independent objects even if others are refused.
    private async Task<Obstacle?> ApplyAsync(V1Alpha1ShortenerRegion region, ObservedLoaders observed, LoaderPlan plan, CancellationToken cancellationToken) =>
        Obstacle.Of(
            await applier.EnsureAsync(region, LoaderResources.BuildDisruptionBudget(region), observed.DisruptionBudget, cancellationToken),
            await applier.EnsureIfAsync(
                region.Spec.App.NetworkPolicy.Enabled,
                region,
                () => LoaderResources.BuildNetworkPolicy(region),
                observed.NetworkPolicy,
                cancellationToken
            ),
            plan.Waiting is null
                ? await applier.EnsureAsync(region, LoaderResources.BuildDeployment(region, plan.Process, plan.Loaders), observed.Deployment, cancellationToken)
                : null
        );

    // A region that asks for no loaders any more.
    private async Task<ReconciliationResult<V1Alpha1ShortenerRegion>> RemoveAsync(
        V1Alpha1ShortenerRegion region,
        ObservedLoaders observed,
        CancellationToken cancellationToken
    )
    {
        if (_histories.TryRemove(region.Metadata.Uid, out _))
            LoaderMetrics.Remove(region);
        if (observed.Exists && !region.Spec.IsSuspended())
        {
            var refused = Obstacle.Of(
                await applier.DeleteAsync(region, observed.Deployment, cancellationToken),
                await applier.DeleteAsync(region, observed.DisruptionBudget, cancellationToken),
                await applier.DeleteAsync(region, observed.NetworkPolicy, cancellationToken)
            );
            if (refused is not null)
                return ReconciliationResult<V1Alpha1ShortenerRegion>.Failure(region, refused.Message);
        }

        await _status.WriteAsync(region, null, [], cancellationToken);
        return ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region);
    }

    private void TellCount(V1Alpha1ShortenerRegion region, ObservedLoaders observed, LoaderPlan plan)
    {
        if (plan.Obstacle is not null || plan.Waiting is not null || observed.Deployment?.Spec.Replicas is not { } former || former == plan.Loaders)
            return;
        events.Record(
            region,
            EventSeverity.Normal,
            "LoadersScaled",
            "Update",
            plan.Loaders > former
                ? $"Added a loader: click events wait for longer than {LoaderCount.LongDelay.TotalSeconds:0} s. Loaders: {plan.Loaders}."
                : $"Removed loaders that are not needed. Loaders: {plan.Loaders}."
        );
    }
}
