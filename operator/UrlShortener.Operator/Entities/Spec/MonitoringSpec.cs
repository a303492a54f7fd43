using System.ComponentModel;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>How Prometheus finds the region.</summary>
internal sealed record MonitoringSpec
{
    /// <summary>The PodMonitor of the region's pods.</summary>
    [Description(
        "PodMonitor (prometheus-operator) of the region's pods. Use it instead of the one in config/monitoring, which selects the pods of all regions."
    )]
    public PodMonitorSpec PodMonitor { get; init; } = new();
}
