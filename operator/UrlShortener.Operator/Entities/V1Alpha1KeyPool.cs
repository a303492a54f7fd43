using System.ComponentModel;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Entities;

/// <summary>The kind KeyPool: the keys of a region, made ahead of demand, and the key generation service that makes them.</summary>
[KubernetesEntity(Group = ApiGroup.Name, ApiVersion = ApiGroup.Version, Kind = KubeKind, PluralName = KubePlural)]
[Description("Pool of keys (short codes made ahead of demand) of a region, and the key generation service that fills it. A region has at most one.")]
[Names("keypool", "KeyPoolList", "kpool", "kp")]
[ScaleSubresource(".spec.targetAvailable", ".status.available", LabelSelectorPath = ".status.selector")]
[PrinterColumn("Region", ".spec.regionRef.name")]
[PrinterColumn("Available", ".status.available", Type = "integer")]
[PrinterColumn("Target", ".spec.targetAvailable", Type = "integer")]
[PrinterColumn("Fill%", ".status.fillPercent", Type = "integer")]
[PrinterColumn("Rate/min", ".status.consumptionPerMinute", Type = "integer")]
[PrinterColumn("ETA", ".status.estimatedExhaustion")]
[PrinterColumn("Refill", ".status.refill.state")]
[PrinterColumn("Ready", ".status.conditions[?(@.type==\"Ready\")].status")]
[PrinterColumn("Age", ".metadata.creationTimestamp", Type = "date")]
[PrinterColumn("Workers", ".status.kgs.readyReplicas", Type = "integer", IsWide = true)]
[PrinterColumn("Epoch", ".status.epoch", Type = "integer", IsWide = true)]
[PrinterColumn("Keyspace%", ".status.keyspaceUsedPercent", Type = "integer", IsWide = true)]
internal sealed class V1Alpha1KeyPool : IKubernetesObject<V1ObjectMeta>, ISpec<KeyPoolSpec>, IStatus<KeyPoolStatus?>
{
    /// <summary>The kind's name.</summary>
    public const string KubeKind = "KeyPool";

    /// <summary>The kind's name in API paths.</summary>
    public const string KubePlural = "keypools";

    /// <inheritdoc />
    public string ApiVersion { get; set; } = ApiGroup.ApiVersion;

    /// <inheritdoc />
    public string Kind { get; set; } = KubeKind;

    /// <inheritdoc />
    public V1ObjectMeta Metadata { get; set; } = new();

    /// <summary>Desired state, written by the user.</summary>
    [Description("Desired state of the pool.")]
    public KeyPoolSpec Spec { get; set; } = new();

    /// <summary>Observed state, written by the operator. Null until the first reconcile.</summary>
    [Description("Observed state of the pool. Only the operator writes it.")]
    public KeyPoolStatus? Status { get; set; }

    /// <summary>A copy of the object with another status.</summary>
    public V1Alpha1KeyPool WithStatus(KeyPoolStatus status) =>
        new()
        {
            ApiVersion = ApiVersion,
            Kind = Kind,
            Metadata = Metadata,
            Spec = Spec,
            Status = status,
        };
}
