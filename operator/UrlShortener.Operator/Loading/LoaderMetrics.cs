using Prometheus;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Loading;

/// <summary>Metrics of loaders, removed with the region or its ClickHouse.</summary>
internal static class LoaderMetrics
{
    private static readonly string[] Names = ["object_namespace", "name", "region"];
    private static readonly Gauge Wanted = Metrics.CreateGauge("shortener_region_loaders", "Loaders of click events that the operator asks for.", Names);
    private static readonly Gauge Ready = Metrics.CreateGauge("shortener_region_loaders_ready", "Loaders of click events that are ready.", Names);

    /// <summary>Sets the metrics of a region.</summary>
    public static void Set(V1Alpha1ShortenerRegion region, LoadersStatus status)
    {
        var labels = LabelsOf(region);
        Wanted.WithLabels(labels).Set(status.DesiredReplicas ?? 0);
        Ready.WithLabels(labels).Set(status.ReadyReplicas ?? 0);
    }

    /// <summary>Removes the metrics of a region.</summary>
    public static void Remove(V1Alpha1ShortenerRegion region)
    {
        var labels = LabelsOf(region);
        Wanted.RemoveLabelled(labels);
        Ready.RemoveLabelled(labels);
    }

    private static string[] LabelsOf(V1Alpha1ShortenerRegion region) => [region.Metadata.NamespaceProperty, region.Metadata.Name, region.Spec.Region];
}
