using System.Runtime.CompilerServices;
using Prometheus;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Traffic;

/// <summary>Metrics of the traffic of regions, removed with the region.</summary>
internal static class TrafficMetrics
{
    private static readonly string[] Names = ["object_namespace", "name", "region"];

    private static readonly Gauge Published = Metrics.CreateGauge(
        "shortener_traffic_published",
        "1 while what sends visitors to the regions is published and confirmed. Absent while unknown and with the traffic mode None.",
        Names
    );
    private static readonly Gauge Panic = Metrics.CreateGauge(
        "shortener_traffic_panic",
        "1 while no region may get visitors, so that those that had them last keep them.",
        Names
    );
    private static readonly Gauge Weight = Metrics.CreateGauge(
        "shortener_traffic_weight",
        "Weight that is published; 0: no visitors are sent to the region.",
        Names
    );
    private static readonly Gauge Targets = Metrics.CreateGauge(
        "shortener_traffic_targets",
        "Targets in the DNS records of a host name. Of the region that writes them.",
        [.. Names, "hostname"]
    );
    private static readonly Histogram Publication = Metrics.CreateHistogram(
        "shortener_traffic_publication_seconds",
        "Time from the decision that a region leaves or comes back until the next object with it is written.",
        new HistogramConfiguration { Buckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] }
    );

    /// <summary>Registers the metrics, so that a process without such a region tells of them too.</summary>
    public static void Prepare() => RuntimeHelpers.RunClassConstructor(typeof(TrafficMetrics).TypeHandle);

    /// <summary>Sets the metrics of a region.</summary>
    public static void Set(V1Alpha1ShortenerRegion region, TrafficPlan plan, ConditionList conditions)
    {
        Remove(region);
        if (plan.Self is null)
            return;
        var labels = LabelsOf(region);
        if (conditions.Conditions is [{ Status: not "Unknown" } condition])
            Published.WithLabels(labels).Set(condition.Status == "True" ? 1 : 0);
        Panic.WithLabels(labels).Set(plan.IsPanic ? 1 : 0);
        Weight.WithLabels(labels).Set(plan.Status?.EffectiveWeight ?? 0);
        foreach (var name in plan.Names)
            Targets.WithLabels([.. labels, name.Hostname]).Set(TrafficResources.TargetsOf(name, plan).Count);
    }

    /// <summary>Counts a publication.</summary>
    public static void Count(TimeSpan elapsed) => Publication.Observe(elapsed.TotalSeconds);

    /// <summary>Removes the metrics of a region.</summary>
    public static void Remove(V1Alpha1ShortenerRegion region)
    {
        var labels = LabelsOf(region);
        foreach (var gauge in new[] { Published, Panic, Weight })
            gauge.RemoveLabelled(labels);
        foreach (var names in Targets.GetAllLabelValues().Where(names => names.Take(labels.Length).SequenceEqual(labels)))
            Targets.RemoveLabelled(names);
    }

    private static string[] LabelsOf(V1Alpha1ShortenerRegion region) => [region.Metadata.NamespaceProperty, region.Metadata.Name, region.Spec.Region];
}
