using Prometheus;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Regions;

/// <summary>Metrics of regions, removed with the region. The label is called <c>object_namespace</c>: scrapes of pods overwrite <c>namespace</c>.</summary>
internal static class RegionMetrics
{
    private static readonly Gauge Ready = Metrics.CreateGauge("shortener_region_ready", "1 while the region is ready.", "object_namespace", "name", "region");
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
    public static void Set(V1Alpha1ShortenerRegion region, RegionStatus status)
    {
        var labels = LabelsOf(region);
        Ready.WithLabels(labels).Set(Value(ConditionTypes.Ready));
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
        Suspended.RemoveLabelled(labels);
        Stalled.RemoveLabelled(labels);
        foreach (var role in Roles)
            Role.RemoveLabelled([.. labels, role]);
    }

    private static string[] LabelsOf(V1Alpha1ShortenerRegion region) => [region.Metadata.NamespaceProperty, region.Metadata.Name, region.Spec.Region];
}
