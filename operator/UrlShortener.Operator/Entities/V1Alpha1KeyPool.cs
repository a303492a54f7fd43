using System.ComponentModel;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Entities;

/// <summary>The kind KeyPool: a region's pool of unused short codes and the key generation service that fills it.</summary>
[KubernetesEntity(Group = ApiGroup.Name, ApiVersion = ApiGroup.Version, Kind = KubeKind, PluralName = KubePlural)]
[Description("A region's pool of unused short codes, and the key generation service that keeps it filled. A region has one.")]
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

    /// <summary>The kind's name in paths of the API.</summary>
    public const string KubePlural = "keypools";

    /// <inheritdoc />
    public string ApiVersion { get; set; } = ApiGroup.ApiVersion;

    /// <inheritdoc />
    public string Kind { get; set; } = KubeKind;

    /// <inheritdoc />
    public V1ObjectMeta Metadata { get; set; } = new();

    /// <summary>What is wanted; the user's.</summary>
    [Description("What this pool is to be.")]
    public KeyPoolSpec Spec { get; set; } = new();

    /// <summary>What was found; the operator's. Null until the first reconcile.</summary>
    [Description("What the operator found and did. Written by the operator only.")]
    public KeyPoolStatus? Status { get; set; }

    /// <summary>The same object with another status.</summary>
    public V1Alpha1KeyPool WithStatus(KeyPoolStatus status) => new() { ApiVersion = ApiVersion, Kind = Kind, Metadata = Metadata, Spec = Spec, Status = status };
}
