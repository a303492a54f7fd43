using Prometheus;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Regions;

/// <summary>Metrics of regions, removed with the region. The label is called <c>object_namespace</c>: scrapes of pods overwrite <c>namespace</c>.</summary>
internal static class RegionMetrics
{
    private static readonly Gauge Ready = Metrics.CreateGauge("shortener_region_ready", "1 while the region is ready.", "object_namespace", "name", "region");
    private static readonly Gauge Available = Metrics.CreateGauge(
        "shortener_region_available",
        "1 while enough pods of the app serve.",
        "object_namespace",
        "name",
        "region"
    );
    private static readonly Gauge PodsMinimum = Metrics.CreateGauge(
        "shortener_region_pods_minimum",
        "Fewest pods of the app that are to serve in the region's role.",
        "object_namespace",
        "name",
        "region"
    );
    private static readonly Gauge Role = Metrics.CreateGauge(
        "shortener_region_role",
        "1 for the current role of the region.",
        "object_namespace",
        "name",
        "region",
        "role"
    );
    private static readonly Gauge Suspended = Metrics.CreateGauge(
        "shortener_region_suspended",
        "1 while the region is suspended.",
        "object_namespace",
        "name",
        "region"
    );
    private static readonly Gauge Stalled = Metrics.CreateGauge(
        "shortener_region_stalled",
        "1 while the operator cannot continue until someone fixes the " + "cause.",
        "object_namespace",
        "name",
        "region"
    );

    private static readonly string[] Roles = [RegionRole.Primary, RegionRole.Standby];

    /// <summary>Sets the metrics of a region.</summary>
    /// <param name="region">The region.</param>
    /// <param name="floor">Fewest pods of the app that are to serve.</param>
    /// <param name="status">Its status.</param>
    public static void Set(V1Alpha1ShortenerRegion region, int floor, RegionStatus status)
    {
        var labels = LabelsOf(region);
        Ready.WithLabels(labels).Set(Value(ConditionTypes.Ready));
        Available.WithLabels(labels).Set(Value(ConditionTypes.AppAvailable));
        PodsMinimum.WithLabels(labels).Set(floor);
        Suspended.WithLabels(labels).Set(Value(ConditionTypes.Suspended));
        Stalled.WithLabels(labels).Set(Value(ConditionTypes.Stalled));
        foreach (var role in Roles)
            Role.WithLabels([.. labels, role]).Set(status.Role == role ? 1 : 0);

        double Value(string type) => ConditionEvents.IsTrue(status.Conditions, type) ? 1 : 0;
    }

    /// <summary>Removes the metrics of a region.</summary>
    public static void Remove(V1Alpha1ShortenerRegion region)
    {
        var labels = LabelsOf(region);
        Ready.RemoveLabelled(labels);
        Available.RemoveLabelled(labels);
        PodsMinimum.RemoveLabelled(labels);
        Suspended.RemoveLabelled(labels);
        Stalled.RemoveLabelled(labels);
        foreach (var role in Roles)
            Role.RemoveLabelled([.. labels, role]);
    }

    private static string[] LabelsOf(V1Alpha1ShortenerRegion region) => [region.Metadata.NamespaceProperty, region.Metadata.Name, region.Spec.Region];
}
