using k8s.Models;
using Prometheus;
using UrlShortener.Contracts;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Regions;

/// <summary>Metrics of regions, removed with the region. The label is called <c>object_namespace</c>: scrapes of pods overwrite <c>namespace</c>.</summary>
internal static class RegionMetrics
{
    private static readonly string[] Names = ["object_namespace", "name", "region"];
    private static readonly Gauge Ready = Metrics.CreateGauge("shortener_region_ready", "1 while the region is ready.", Names);
    private static readonly Gauge Available = Metrics.CreateGauge("shortener_region_available", "1 while enough pods of the app serve.", Names);
    private static readonly Gauge PodsMinimum = Metrics.CreateGauge(
        "shortener_region_pods_minimum",
        "Fewest pods of the app that are to serve in the region's role; 0 while the region is suspended and scaled to 0.",
        Names
    );
    private static readonly Gauge PodsMaximum = Metrics.CreateGauge("shortener_region_pods_maximum", "Most pods of the app.", Names);
    private static readonly Gauge AutoscalerLimited = Metrics.CreateGauge(
        "shortener_region_autoscaler_limited",
        "1 while the autoscaler wants more pods than the maximum.",
        Names
    );
    private static readonly Gauge Suspended = Metrics.CreateGauge("shortener_region_suspended", "1 while the region is suspended.", Names);
    private static readonly Gauge Stalled = Metrics.CreateGauge(
        "shortener_region_stalled",
        "1 while the operator cannot continue until someone fixes the cause.",
        Names
    );
    private static readonly Gauge SchemaRepairs = Metrics.CreateGauge(
        "shortener_region_schema_repairs",
        "How often the migration was repeated because the database lacked tables; 0 again after 10 minutes without a problem.",
        Names
    );
    private static readonly Gauge Role = Metrics.CreateGauge("shortener_region_role", "1 for the current role of the region.", [.. Names, "role"]);
    private static readonly Gauge Schema = Metrics.CreateGauge(
        "shortener_region_schema",
        "1 for the state of the database's tables; all 0 while it is not known.",
        [.. Names, "state"]
    );

    private static readonly Gauge[] Plain = [Ready, Available, PodsMinimum, PodsMaximum, AutoscalerLimited, Suspended, Stalled, SchemaRepairs];
    private static readonly string[] Roles = [RegionRole.Primary, RegionRole.Fenced, RegionRole.Standby];

    // Each state with the reason of the condition.
    private static readonly (string State, string Reason)[] States =
    [
        (SchemaState.Current, Reasons.AsExpected),
        (SchemaState.Behind, Reasons.SchemaBehind),
        (SchemaState.Ahead, Reasons.SchemaAhead),
    ];

    /// <summary>Sets the metrics of a region.</summary>
    /// <param name="region">The region.</param>
    /// <param name="plan">The plan for it.</param>
    /// <param name="observed">What was observed.</param>
    /// <param name="status">Its status.</param>
    public static void Set(V1Alpha1ShortenerRegion region, RegionPlan plan, ObservedRegion observed, RegionStatus status)
    {
        var labels = LabelsOf(region);
        Ready.WithLabels(labels).Set(Value(ConditionTypes.Ready));
        Available.WithLabels(labels).Set(Value(ConditionTypes.AppAvailable));
        PodsMinimum.WithLabels(labels).Set(IsStopped(region, observed) ? 0 : plan.Floor);
        PodsMaximum.WithLabels(labels).Set(region.Spec.App.MaxReplicas);
        AutoscalerLimited.WithLabels(labels).Set(IsLimited(observed.Autoscaler) ? 1 : 0);
        Suspended.WithLabels(labels).Set(Value(ConditionTypes.Suspended));
        Stalled.WithLabels(labels).Set(Value(ConditionTypes.Stalled));
        SchemaRepairs.WithLabels(labels).Set(status.Schema?.Repairs ?? 0);
        foreach (var role in Roles)
            Role.WithLabels([.. labels, role]).Set(status.Role == role ? 1 : 0);
        var schema = status.Conditions?.FirstOrDefault(condition => condition.Type == ConditionTypes.SchemaCurrent)?.Reason;
        foreach (var (state, reason) in States)
            Schema.WithLabels([.. labels, state]).Set(schema == reason ? 1 : 0);

        double Value(string type) => ConditionEvents.IsTrue(status.Conditions, type) ? 1 : 0;
    }

    /// <summary>Removes the metrics of a region.</summary>
    public static void Remove(V1Alpha1ShortenerRegion region)
    {
        var labels = LabelsOf(region);
        foreach (var gauge in Plain)
            gauge.RemoveLabelled(labels);
        foreach (var role in Roles)
            Role.RemoveLabelled([.. labels, role]);
        foreach (var (state, _) in States)
            Schema.RemoveLabelled([.. labels, state]);
    }

    /// <summary>Whether somebody has stopped a region, as for a restore: suspended it and scaled it to 0.</summary>
    public static bool IsStopped(V1Alpha1ShortenerRegion region, ObservedRegion observed) =>
        region.Spec.IsSuspended() && observed.Deployment is { Spec.Replicas: 0 };

    /// <summary>Whether an autoscaler wants more pods than its maximum. At the maximum and content, it is not limited.</summary>
    public static bool IsLimited(V2HorizontalPodAutoscaler? autoscaler) =>
        autoscaler?.Status?.Conditions?.Any(condition => condition is { Type: "ScalingLimited", Status: "True", Reason: "TooManyReplicas" }) == true;

    private static string[] LabelsOf(V1Alpha1ShortenerRegion region) => [region.Metadata.NamespaceProperty, region.Metadata.Name, region.Spec.Region];
}
