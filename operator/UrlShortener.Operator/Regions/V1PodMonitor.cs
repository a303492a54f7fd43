using System.Text.Json.Nodes;
using k8s;
using k8s.Models;

namespace UrlShortener.Operator.Regions;

/// <summary>The kind PodMonitor of prometheus-operator: pods that Prometheus scrapes. Not every cluster serves it.</summary>
[KubernetesEntity(Group = "monitoring.coreos.com", ApiVersion = "v1", Kind = KubeKind, PluralName = "podmonitors")]
internal sealed class V1PodMonitor : IKubernetesObject<V1ObjectMeta>
{
    /// <summary>The kind's name.</summary>
    public const string KubeKind = "PodMonitor";

    /// <inheritdoc />
    public string ApiVersion { get; set; } = "monitoring.coreos.com/v1";

    /// <inheritdoc />
    public string Kind { get; set; } = KubeKind;

    /// <inheritdoc />
    public V1ObjectMeta Metadata { get; set; } = new();

    /// <summary>The specification with all of its fields, also those that this operator does not know and others have set.</summary>
    public JsonObject? Spec { get; set; }
}
