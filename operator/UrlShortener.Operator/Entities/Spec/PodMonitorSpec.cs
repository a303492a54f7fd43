using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The PodMonitor of a region's pods.</summary>
internal sealed record PodMonitorSpec
{
    /// <summary>Whether the operator creates one.</summary>
    [Description(
        "true: the operator creates a PodMonitor for the pods of the app and of the key generation service. If the cluster does not serve the kind, the condition "
            + "Monitored says so, and the operator creates the PodMonitor as soon as the cluster serves it."
    )]
    public bool Enabled { get; init; }

    /// <summary>Additional labels, by which a Prometheus selects it.</summary>
    [Description(
        "Additional labels of the PodMonitor, for the podMonitorSelector of a Prometheus, such as release: kube-prometheus-stack. The prefixes "
            + "app.kubernetes.io/ and urlshortener.dev/ are reserved for the operator."
    )]
    [Length(0, 32)]
    [Each(0, 63, Pattern = Patterns.LabelValue)]
    [Rule(
        "self.all(key, !key.startsWith('app.kubernetes.io/') && !key.startsWith('urlshortener.dev/'))",
        "the label prefixes app.kubernetes.io/ and urlshortener.dev/ are reserved for the operator"
    )]
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Time between scrapes. The alerts look back a minute or more.</summary>
    [Description("Seconds between two scrapes of a pod. The alerts in config/monitoring need at most 30.")]
    [Range(5, 30)]
    public int IntervalSeconds { get; init; } = 15;
}
