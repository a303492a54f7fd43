using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Traffic;

/// <summary>
/// Reconciles what sends visitors to the regions of a group: look at the pods, observe, plan, apply, write the status. What a region's own looks say is in its
/// status, and the others decide by that. It goes on while a region is suspended, like failovers.
/// </summary>
internal sealed class TrafficController(
    TrafficObserver observer,
    TrafficProbe probe,
    Applier applier,
    ResourceClient client,
    EventRecorder events,
    TrafficTiming timing,
    TimeProvider time
) : IEntityController<V1Alpha1ShortenerRegion>
{
    // By UID of the region; removed with it.
    private readonly ConcurrentDictionary<string, TrafficLooks> _looks = new();
    private readonly ConcurrentDictionary<string, QuietTraffic> _quiet = new();

    // By group: when it was last decided that a region leaves or comes back, until something is published.
    private readonly ConcurrentDictionary<string, long> _decided = new();
    private readonly StatusWriter _status = new(TrafficStatusRules.Part, client);

    /// <summary>Resource version of a region for which everything was compared and nothing was written; null: the last reconcile had something to do.</summary>
    /// <param name="uid">UID of the region.</param>
    internal string? QuietVersionOf(string uid) => _quiet.GetValueOrDefault(uid)?.Version;

    /// <inheritdoc />
    public async Task<ReconciliationResult<V1Alpha1ShortenerRegion>> ReconcileAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        region = _status.LatestOf(region);
        var observed = observer.Observe(region);
        if (!region.Spec.Traffic.UsesDns() && !region.Spec.Traffic.UsesRoute())
            return await ForgetAsync(region, observed, cancellationToken);

        var serves = await LookAsync(region, cancellationToken);
        if (_quiet.TryGetValue(region.Metadata.Uid, out var quiet))
        {
            if (quiet.Covers(region.Metadata.ResourceVersion, observed, serves, time.GetUtcNow()))
                return ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region, timing.Interval);
            _quiet.TryRemove(region.Metadata.Uid, out _);
        }

        if (serves != region.Status?.Traffic?.Serves)
            _decided[region.Spec.Group] = time.GetTimestamp();
        var plan = TrafficPlan.Of(WithLook(region, observed, serves), observed, time.GetUtcNow());
        var obstacle = await ApplyAsync(region, observed, plan, cancellationToken);
        var conditions = TrafficStatusRules.Build(region, observed, plan, obstacle, timing, time.GetUtcNow());
        var former = region.Status?.Traffic;
        var status = plan.Status is { } wanted ? wanted with { LastChangeTime = ChangeTimeOf(wanted, former) } : null;
        if (region.Metadata.DeletionTimestamp is null)
        {
            await _status.WriteAsync(region, status, conditions.Conditions, cancellationToken);
            ConditionEvents.Record(events, region, conditions.Changed);
            RecordMove(region, former, status);
        }

        TrafficMetrics.Set(region, plan, conditions);
        if (ReferenceEquals(_status.LatestOf(region), region) && IsQuiet(observed, plan, obstacle, status, former, conditions))
            _quiet[region.Metadata.Uid] = new QuietTraffic(region.Metadata.ResourceVersion, observed, serves, time.GetUtcNow());
        return obstacle is { Reason: Reasons.ApplyRefused } refused
            ? ReconciliationResult<V1Alpha1ShortenerRegion>.Failure(region, refused.Message)
            : ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region, timing.Interval);
    }

    /// <inheritdoc />
    // Kubernetes' garbage collector deletes the objects of the region.
    public Task<ReconciliationResult<V1Alpha1ShortenerRegion>> DeletedAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        _looks.TryRemove(region.Metadata.Uid, out _);
        _quiet.TryRemove(region.Metadata.Uid, out _);
        _status.Forget(region);
        TrafficMetrics.Remove(region);
        return Task.FromResult(ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region));
    }

    // A region that no longer publishes.
    private async Task<ReconciliationResult<V1Alpha1ShortenerRegion>> ForgetAsync(
        V1Alpha1ShortenerRegion region,
        ObservedTraffic observed,
        CancellationToken cancellationToken
    )
    {
        if (region.Status?.Traffic is not null && region.Metadata.DeletionTimestamp is null)
            await _status.WriteAsync(region, null, [], cancellationToken);
        if (observed.Dns is null && observed.Route is null)
            return await DeletedAsync(region, cancellationToken);
        await ApplyAsync(region, observed, TrafficPlan.Of(region, observed, time.GetUtcNow()), cancellationToken);
        return ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region, timing.Interval);
    }

    private async Task<bool?> LookAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        var looks = _looks.GetOrAdd(region.Metadata.Uid, _ => TrafficLooks.Of(region.Status?.Traffic));
        if (!looks.IsDue(time.GetUtcNow(), timing))
            return looks.Serves;
        var pod = await probe.FindAsync(observer.PodsOf(region), looks.Pod, cancellationToken);
        looks = looks.Add(pod, time.GetUtcNow(), timing);
        _looks[region.Metadata.Uid] = looks;
        return looks.Serves;
    }

    // The region as the others see it when its status is written. Addresses that the Service no longer has stay until it has others.
    private static V1Alpha1ShortenerRegion WithLook(V1Alpha1ShortenerRegion region, ObservedTraffic observed, bool? serves)
    {
        var status = region.Status ?? new RegionStatus();
        var former = status.Traffic ?? new TrafficStatus();
        var targets = region.Spec.Traffic.Targets ?? (TrafficObserver.AddressesOf(observed.Service) is { Count: > 0 } found ? found : former.Targets);
        return region.WithStatus(status with { Traffic = former with { Serves = serves, Targets = targets } });
    }

    private async Task<Obstacle?> ApplyAsync(V1Alpha1ShortenerRegion region, ObservedTraffic observed, TrafficPlan plan, CancellationToken cancellationToken)
    {
        var dns = observed.ServesDns ? await ApplyDnsAsync(region, observed, plan, cancellationToken) : null;
        var route = observed.ServesRoutes ? await ApplyRouteAsync(region, observed, plan, cancellationToken) : null;
        return Obstacle.Of(dns, route);
    }

    private async Task<Obstacle?> ApplyDnsAsync(V1Alpha1ShortenerRegion region, ObservedTraffic observed, TrafficPlan plan, CancellationToken cancellationToken)
    {
        if (plan.Names.Count == 0)
            return IsReplaced(region, observed, plan) ? await applier.DeleteAsync(region, observed.Dns, cancellationToken) : null;
        if (TrafficResources.BuildDnsEndpoint(region, plan, observed.Dns) is not { } desired)
            return null;
        var isNew = observed.Dns is null || !Owned.IsApplied(observed.Dns, desired);
        var obstacle = await applier.EnsureAsync(region, desired, observed.Dns, cancellationToken);
        Measure(region, isNew && obstacle is null);
        return obstacle;
    }

    // The name must lead somewhere at every moment: the object of the region that wrote before goes when the new one has all of its names.
    private static bool IsReplaced(V1Alpha1ShortenerRegion region, ObservedTraffic observed, TrafficPlan plan)
    {
        if (plan.Writer is null || plan.Writer.Region.Metadata.Uid == region.Metadata.Uid)
            return true;
        var wanted = plan.Members.SelectMany(member => member.Spec.Hostnames).ToHashSet(StringComparer.Ordinal);
        return observed.GroupDns is { } successor && NamesOf(observed.Dns).Where(wanted.Contains).All(NamesOf(successor).Contains);
    }

    private static HashSet<string> NamesOf(V1Alpha1DnsEndpoint? dns) =>
        [.. (dns?.Spec?["endpoints"] as JsonArray ?? []).OfType<JsonObject>().Select(endpoint => (string?)endpoint["dnsName"]).OfType<string>()];

    private async Task<Obstacle?> ApplyRouteAsync(
        V1Alpha1ShortenerRegion region,
        ObservedTraffic observed,
        TrafficPlan plan,
        CancellationToken cancellationToken
    )
    {
        if (plan.RouteNames.Count == 0)
            return await applier.DeleteAsync(region, observed.Route, cancellationToken);
        if (TrafficResources.BuildRoute(region, plan) is not { } desired)
            return null;
        var isNew = observed.Route is null || !Owned.IsApplied(observed.Route, desired);
        var obstacle = await applier.EnsureAsync(region, desired, observed.Route, cancellationToken);
        Measure(region, isNew && obstacle is null);
        return obstacle;
    }

    private void Measure(V1Alpha1ShortenerRegion region, bool isWritten)
    {
        if (isWritten && _decided.TryRemove(region.Spec.Group, out var decided))
            TrafficMetrics.Count(time.GetElapsedTime(decided));
    }

    private bool IsQuiet(
        ObservedTraffic observed,
        TrafficPlan plan,
        Obstacle? obstacle,
        TrafficStatus? status,
        TrafficStatus? former,
        ConditionList conditions
    ) =>
        obstacle is null
        && status?.IsSame(former) == true
        // Its visitors wait for pods of others, and not for ever.
        && !plan.Members.Any(member => member.IsDraining)
        && conditions.IsTrue(ConditionTypes.TrafficPublished)
        && (plan.Names.Count > 0 ? applier.IsApplied(observed.Dns) : observed.Dns is null)
        && (plan.RouteNames.Count > 0 ? applier.IsApplied(observed.Route) : observed.Route is null);

    private DateTime? ChangeTimeOf(TrafficStatus status, TrafficStatus? former) =>
        former is not null && former.EffectiveWeight == status.EffectiveWeight && (former.Targets ?? []).SequenceEqual(status.Targets ?? [])
            ? former.LastChangeTime
            : StatusTime.Of(time.GetUtcNow());

    private void RecordMove(V1Alpha1ShortenerRegion region, TrafficStatus? former, TrafficStatus? status)
    {
        var (before, now) = (former?.EffectiveWeight ?? 0, status?.EffectiveWeight ?? 0);
        if (before > 0 && now == 0)
            events.Record(
                region,
                status?.Serves == false ? EventSeverity.Warning : EventSeverity.Normal,
                "TrafficLeft",
                "Publish",
                status?.Serves == false
                    ? "Visitors are no longer sent to the region: no pod of the app answered three looks in a row."
                    : "Visitors are no longer sent to the region: the specification asks for it."
            );
        else if (before == 0 && now > 0)
            events.Record(region, EventSeverity.Normal, "TrafficArrived", "Publish", "Visitors are sent to the region.");
    }
}
