using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Regions;

/// <summary>
/// A reconcile that found a ready region as it is to be, and wrote nothing. As long as the next ones observe the same, they would find the same and need not
/// build and compare the region's objects. Every change of an object is another instance in the cache, so that they do as soon as somebody changes one.
/// </summary>
/// <param name="Version">Resource version of the region.</param>
/// <param name="Observed">What was observed.</param>
/// <param name="At">When.</param>
internal sealed record QuietRegion(string? Version, ObservedRegion Observed, DateTimeOffset At)
{
    /// <summary>How long it counts: the time alone decides some things, such as when repeated migrations are forgotten.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    /// <summary>Whether a reconcile that wrote no status left nothing to do, now or when some time has passed.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">What was observed.</param>
    /// <param name="plan">The plan, with what came in the way of it.</param>
    /// <param name="status">The status.</param>
    /// <param name="isApplied">Whether an object in the cache matches its desired state.</param>
    public static bool IsQuiet(V1Alpha1ShortenerRegion region, ObservedRegion observed, RegionPlan plan, RegionStatus status, Func<object?, bool> isApplied) =>
        plan
            is {
                Applies: true,
                Deploys: true,
                IsScaled: true,
                StartsMigration: false,
                Obstacle: null,
                MonitorObstacle: null,
                SettlesIn: null,
                Rescale: null,
                FirstReplicas: null,
                EndedJobs.Count: 0,
                OrphanedJobs.Count: 0,
                // Without a primary, the time decides which region is next.
                Role: { Refusal: null, Topology: null or { PrimaryRegion: not null } },
            }
        && ConditionEvents.IsTrue(status.Conditions, ConditionTypes.Ready)
        && !ConditionEvents.IsTrue(status.Conditions, ConditionTypes.Reconciling)
        && !ConditionEvents.IsTrue(status.Conditions, ConditionTypes.Stalled)
        && isApplied(observed.ServiceAccount)
        && isApplied(observed.Settings)
        && isApplied(observed.Deployment)
        && isApplied(observed.Service)
        && isApplied(observed.Autoscaler)
        && isApplied(observed.DisruptionBudget)
        && (region.Spec.App.NetworkPolicy.Enabled ? isApplied(observed.NetworkPolicy) : observed.NetworkPolicy is null)
        && (!observed.ServesPodMonitors || (region.Spec.Monitoring.PodMonitor.Enabled ? isApplied(observed.PodMonitor) : observed.PodMonitor is null));

    /// <summary>Whether a later reconcile would find the same.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">What the reconcile observed.</param>
    /// <param name="now">The time.</param>
    public bool Covers(V1Alpha1ShortenerRegion region, ObservedRegion observed, DateTimeOffset now) =>
        Version == region.Metadata.ResourceVersion && now - At < Limit && Observed.IsSame(observed);
}
